#include "apps/bootstrap/function_parts.hpp"

#include <utility>

#include "adapters/aws/environment_credentials.hpp"
#include "adapters/aws/secrets_manager.hpp"

namespace s3link::bootstrap {

namespace {

lambda::FunctionSettings function_settings(const Environment& environment) {
  const function::Settings& settings = environment.settings;
  const aws::Endpoint& s3 = environment.s3;
  return {.sender = settings.sender,
          .recipients = settings.recipients,
          .template_name = settings.template_name,
          .configuration_set = settings.configuration_set,
          .link_expiration = settings.link_expiration,
          .object_ttl = settings.object_ttl,
          .region = settings.region,
          .s3_endpoint = s3.custom ? s3.scheme + "://" + s3.authority() : std::string(),
          .signer = settings.link_signer == function::LinkSigner::iam_user ? lambda::SignerKind::iam_user
                                                                           : lambda::SignerKind::role,
          .bucket = settings.exchange_bucket ? settings.exchange_bucket->text() : std::string()};
}

std::unique_ptr<ports::CredentialsSource> link_credentials(const Environment& environment, aws::Caller& caller,
                                                           ports::Clock& clock) {
  if (environment.settings.link_signer == function::LinkSigner::role) {
    return std::make_unique<aws::FixedCredentials>(environment.role);
  }
  return std::make_unique<aws::SecretsManagerCredentials>(caller, environment.secrets_manager,
                                                          environment.settings.link_signer_secret_arn, clock);
}

std::unique_ptr<ports::ClaimLedger> make_ledger(const Environment& environment, aws::Caller& caller) {
  if (environment.settings.ledger_table.empty()) return nullptr;
  return std::make_unique<aws::DynamoDbLedger>(caller, environment.dynamodb, environment.settings.ledger_table);
}

}  // namespace

FunctionParts::FunctionParts(Environment environment, ports::HttpClient& http, ports::Clock& clock,
                             ports::Random& random, ports::TraceSink& traces, ports::MetricSink& metrics,
                             ports::Logger& logger)
    : environment_(std::move(environment)),
      clock_(clock),
      logger_(logger),
      caller_(http, *environment_.role, environment_.settings.region, clock, random),
      mail_(caller_, environment_.ses),
      listing_(caller_, environment_.s3),
      link_credentials_(link_credentials(environment_, caller_, clock)),
      ledger_(make_ledger(environment_, caller_)),
      function_(function_settings(environment_), {.clock = clock,
                                                  .link_credentials = *link_credentials_,
                                                  .mail = mail_,
                                                  .ledger = ledger_.get(),
                                                  .listing = listing_,
                                                  .traces = traces,
                                                  .metrics = metrics,
                                                  .logger = logger}) {}

Awaitable<void> FunctionParts::prepare() {
  trace::Segment unused;  // the start belongs to no trace
  const auto pair = co_await link_credentials_->get(clock_.now() + kPrepareTime, unused);
  if (!pair) {
    logger_.log(ports::LogLevel::error, "no key to sign links with",
                {{"error", pair.error().message}, {"code", pair.error().code}});
  }
}

}  // namespace s3link::bootstrap
