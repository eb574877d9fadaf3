#include "adapters/aws/ses_advice.hpp"

#include <fmt/format.h>

#include <array>

#include "adapters/aws/service_error.hpp"

namespace s3link::aws {
namespace {

struct Row {
  std::string_view code;
  std::string_view words;   ///< what the message holds; empty: any message
  std::string_view advice;  ///< "{}" stands for the region
};

/// The first that fits.
constexpr std::array<Row, 13> kRows = {{
    {"MessageRejected", "not verified",
     "Verify the sender's address or domain in Amazon SES in the region {}. While the account is in the sandbox, every "
     "recipient must be verified there too: request production access to end that."},
    {"MessageRejected", "",
     "Amazon SES does not take this mail; see what it says, and the account's state in its console."},
    {"MailFromDomainNotVerifiedException", "",
     "Publish the MX record that Amazon SES wants for the custom MAIL FROM domain, or have it use its own domain where "
     "that record is missing."},
    {"AccountSuspendedException", "",
     "Amazon SES has suspended the account's sending: answer the case in the AWS Support Center."},
    {"SendingPausedException", "",
     "Sending is paused for the account or the configuration set: see why in the console of Amazon SES, region {}, and "
     "enable it again."},
    {"NotFoundException", "Template",
     "There is no such template in the region {}: deploy ses_email_sender.yaml there, or correct "
     "EmailTemplateLinkName."},
    {"NotFoundException", "Configuration set",
     "There is no such configuration set in the region {}: deploy ses_email_sender.yaml there, or correct "
     "EmailConfigurationSetName."},
    {"NotFoundException", "",
     "Deploy ses_email_sender.yaml in the region {}: the template or configuration set is missing."},
    {"LimitExceededException", "", "A quota of Amazon SES is used up: request a higher one for the region {}."},
    {"TooManyRequestsException", "",
     "More mails a second than Amazon SES allows: request a higher rate for the region {}, or lower "
     "ReservedConcurrency."},
    {"ThrottlingException", "",
     "More mails a second than Amazon SES allows: request a higher rate for the region {}, or lower "
     "ReservedConcurrency."},
    {"AccessDeniedException", "",
     "Allow the function's role ses:SendEmail and ses:SendTemplatedEmail for the identity, the template and the "
     "configuration set, with EmailSender as ses:FromAddress."},
    {"connection", "certificate",
     "Something between this function and Amazon SES shows a certificate of its own: see "
     "AWS_ENDPOINT_URL_SESV2 and the network."},
}};

constexpr std::string_view kDailyQuota =
    "The mails of 24 hours are used up: request a higher sending quota for the region {}; what is in the dead-letter "
    "queue can be redriven later.";

std::string filled(std::string_view advice, std::string_view region) {
  return fmt::format(fmt::runtime(advice), region);
}

}  // namespace

std::string ses_advice(const Error& error, std::string_view region) {
  if (is_daily_quota(error.message)) return filled(kDailyQuota, region);
  for (const Row& row : kRows) {
    if (row.code == error.code && error.message.contains(row.words)) return filled(row.advice, region);
  }
  return {};
}

}  // namespace s3link::aws
