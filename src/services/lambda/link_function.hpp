#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "core/mail/address.hpp"
#include "ports/awaitable.hpp"
#include "ports/bucket_listing.hpp"
#include "ports/claim_ledger.hpp"
#include "ports/clock.hpp"
#include "ports/credentials_source.hpp"
#include "ports/invocation_handler.hpp"
#include "ports/logger.hpp"
#include "ports/metric_sink.hpp"
#include "ports/template_mail_sender.hpp"
#include "ports/trace_sink.hpp"

namespace s3link::lambda {

/// Whose key pair signs the links. A link dies with the credential that signed it, whatever it says itself.
enum class SignerKind {
  role,      ///< the function's session: links live for kRoleLinkMax at most
  iam_user,  ///< a lasting key pair: links live for 7 days at most
};

/// How long a link signed with the session of a Lambda function can be trusted to work. AWS tells the function nothing
/// about the session's end, so this is what the template allows as LinkExpirationPeriod for such links.
inline constexpr std::chrono::seconds kRoleLinkMax{18'000};

struct FunctionSettings {
  std::string sender;                      ///< an address, or a name with an address in angle brackets
  std::vector<mail::Address> recipients;   ///< each gets a mail of its own; at least one
  std::string template_name;               ///< of the template stored in SES
  std::string configuration_set;           ///< empty: none
  std::chrono::seconds link_expiration{};  ///< asked for: 1 s to 7 days
  std::chrono::days object_ttl{1};         ///< of the bucket's lifecycle rule; at least 1
  std::string region;                      ///< of the bucket: "eu-central-1"
  std::string s3_endpoint;                 ///< "https://host[:port]"; empty: AWS's for the region
  SignerKind signer = SignerKind::role;
  std::string bucket;  ///< what a sweep lists
};

/// What the function works with. All of it must outlive the function.
struct FunctionPorts {
  ports::Clock& clock;
  ports::CredentialsSource& link_credentials;  ///< what links are signed with
  ports::TemplateMailSender& mail;
  ports::ClaimLedger* ledger = nullptr;  ///< null: none; then a repeated event repeats its mails
  ports::BucketListing& listing;
  ports::TraceSink& traces;
  ports::MetricSink& metrics;
  ports::Logger& logger;
};

/// The LinkGenerator as a function: an S3 notification becomes one mail for each record and recipient; the event of a
/// schedule makes it look for objects that no notification told of (the sweep). Answers
/// {"delivered":n,"dropped":n,"duplicates":n,"swept":n}: mails sent, records dropped by a rule, mails found sent
/// already, objects a sweep sent mails for.
///
/// Each mail is claimed in the ledger, sent and recorded. A mail that may have been sent keeps its claim until the
/// lease ends with the invocation, and is sent again by the retry: it may repeat, it is never lost. A record that fails
/// makes the invocation fail after the others were tried. Error types:
///
/// s3link.InvalidEvent      not an event we know, or a record without what it must have; names the member
/// s3link.UnlinkableKey     a browser would change the key's "." or ".." segments; no retry helps
/// s3link.InProgress        another invocation has the claim; the retry finds out how that ended
/// s3link.OutOfTime         the rest of the time was too short for what is named
/// s3link.MailRefused       the mail system refused the mail for good: what the advice says must be done first
/// s3link.MailFailed        certainly not sent, may succeed later
/// s3link.MailMaybeSent     no answer came in time; the retry sends it again
/// s3link.CredentialsError  there is no key pair to sign with
/// s3link.LedgerError       the ledger could not be asked, so nothing was sent
/// s3link.SweepNeedsLedger  a sweep without a ledger would mail everything again
/// s3link.SweepFailed       the bucket could not be listed, or the place reached not be kept
/// s3link.InternalError     a bug
///
/// Thread safety: one call at a time.
class LinkFunction final : public ports::InvocationHandler {
 public:
  LinkFunction(FunctionSettings settings, FunctionPorts ports);
  ~LinkFunction() override;

  Awaitable<std::expected<std::string, ports::InvocationError>> handle(ports::Invocation invocation) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace s3link::lambda
