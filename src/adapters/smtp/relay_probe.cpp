#include "adapters/smtp/relay_probe.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <utility>

#include "adapters/smtp/relay_dialog.hpp"
#include "adapters/smtp/worker_pool.hpp"

namespace s3link::smtp {
namespace {

ProbeStep step_of(int curl_code) {
  switch (static_cast<CURLcode>(curl_code)) {
    case CURLE_LOGIN_DENIED:
      return ProbeStep::login;
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
      return ProbeStep::encryption;
    default:
      return ProbeStep::connection;
  }
}

Status outcome_of(const Result<Reply>& reply) {
  if (!reply) return std::unexpected(reply.error());
  if (reply->code >= 200 && reply->code <= 299) return {};
  return fail(reply->permanent() ? ErrorKind::denied : ErrorKind::transient, reply->text, std::to_string(reply->code));
}

ProbeReport failed(ProbeReport report, ProbeStep step, Error error) {
  report.failed_at = step;
  report.error = std::move(error);
  return report;
}

ProbeReport converse(RelayDialog& dialog, const std::string& sender, const std::vector<std::string>& recipients) {
  ProbeReport report;
  if (const int code = dialog.open(sender); code != CURLE_OK) {
    return failed(std::move(report), step_of(code), dialog.error(code));
  }
  report.encrypted = dialog.encrypted();
  if (const Status taken = outcome_of(dialog.command(fmt::format("MAIL FROM:<{}>", sender))); !taken) {
    dialog.leave();
    return failed(std::move(report), ProbeStep::sender, taken.error());
  }
  for (const std::string& recipient : recipients) {
    const Status taken = outcome_of(dialog.command(fmt::format("RCPT TO:<{}>", recipient)));
    if (taken) continue;
    report.refused.push_back({recipient, taken.error()});
    if (taken.error().code.empty() || taken.error().code == "421") break;  // nobody is there any more
  }
  if (!report.refused.empty()) {
    Error first = report.refused.front().error;
    report = failed(std::move(report), ProbeStep::recipients, std::move(first));
  }
  (void)dialog.command("RSET");
  dialog.leave();
  return report;
}

struct Nothing {};

}  // namespace

class RelayProbe::Impl {
 public:
  explicit Impl(RelaySettings settings)
      : settings_(with_roots(std::move(settings))),
        pool_(1, std::chrono::seconds(1), [] { return std::make_unique<Nothing>(); }) {}

  Awaitable<Result<ProbeReport>> ask(std::string sender, std::vector<std::string> recipients) {
    co_return co_await pool_.run([this, sender = std::move(sender), recipients = std::move(recipients)](
                                     Nothing&, const std::atomic<bool>& cancelled) -> Result<ProbeReport> {
      RelayDialog dialog(settings_, cancelled);
      return converse(dialog, sender, recipients);
    });
  }

 private:
  const RelaySettings settings_;
  WorkerPool<Nothing, ProbeReport> pool_;
};

RelayProbe::RelayProbe(RelaySettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
RelayProbe::~RelayProbe() = default;

Awaitable<Result<ProbeReport>> RelayProbe::ask(std::string sender, std::vector<std::string> recipients) {
  return impl_->ask(std::move(sender), std::move(recipients));
}

}  // namespace s3link::smtp
