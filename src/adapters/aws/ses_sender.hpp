#pragma once

#include "adapters/aws/signed_call.hpp"
#include "ports/template_mail_sender.hpp"

namespace s3link::aws {

/// SendEmail of Amazon SES API v2 with a stored template.
/// An answer with an error code of AWS means: not accepted. A lost answer, or an error of something in between, means:
/// may have been sent.
class SesSender final : public ports::TemplateMailSender {
 public:
  /// The caller must outlive the sender.
  SesSender(Caller& caller, Endpoint endpoint) : caller_(caller), endpoint_(std::move(endpoint)) {}

  /// Errors: transient; denied (also what a person must put right: template, identity, suspended account).
  Awaitable<std::expected<ports::TemplateMailReceipt, ports::TemplateMailFailure>> send(ports::TemplateMail mail,
                                                                                        Instant deadline,
                                                                                        trace::Segment& under) override;

 private:
  Caller& caller_;
  const Endpoint endpoint_;
};

}  // namespace s3link::aws
