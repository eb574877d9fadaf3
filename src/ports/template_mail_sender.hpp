#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/mail/address.hpp"
#include "core/trace/segment.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// One message made by the mail system itself, from a template that is stored there.
struct TemplateMail {
  std::string sender;  ///< an address, or a name with an address in angle brackets, as configured
  mail::Address recipient;
  std::string template_name;
  std::string configuration_set;                             ///< empty: none
  Secret template_data;                                      ///< a JSON object; holds the presigned URL
  std::vector<std::pair<std::string, std::string>> headers;  ///< further header fields
  std::vector<std::pair<std::string, std::string>> tags;     ///< for matching the mail system's events; ASCII
};

struct TemplateMailReceipt {
  std::string message_id;  ///< the mail system's
};

/// Why no receipt came.
struct TemplateMailFailure {
  Error error;  ///< kind and words as for MailSender; code is the service's error code: "MessageRejected"
  bool maybe_sent =
      false;           ///< the request may have been acted on: the connection was lost, or the time was over, after it
  std::string advice;  ///< what a person can do about it; empty: nothing known
};

/// Hands one message to a mail system that keeps the templates (Amazon SES).
/// Thread safety: any number of sends at a time on its executor. The sender must outlive the awaitable.
class TemplateMailSender {
 public:
  virtual ~TemplateMailSender() = default;

  /// Tries again, before `deadline`, what was certainly not sent and may succeed (throttling, 5xx, no connection), and
  /// nothing that may have been sent. Hangs one subsegment for the call into `under`.
  virtual Awaitable<std::expected<TemplateMailReceipt, TemplateMailFailure>> send(TemplateMail mail, Instant deadline,
                                                                                  trace::Segment& under) = 0;
};

}  // namespace s3link::ports
