#include "adapters/smtp/relay_probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "adapters/smtp/login.hpp"
#include "adapters/smtp/relay_dialog.hpp"
#include "adapters/smtp/worker_pool.hpp"
#include "core/mail/smtp_verdict.hpp"

namespace s3link::smtp {
namespace {

using mail::SmtpPhase;

Status outcome_of(SmtpPhase phase, const Result<Reply>& reply) {
  if (!reply) return std::unexpected(reply.error());
  if (reply->positive()) return {};
  return fail(mail::judge(phase, reply->text).kind, reply->text, std::to_string(reply->code));
}

ProbeReport failed(ProbeReport report, ProbeStep step, Error error) {
  report.failed_at = step;
  report.error = std::move(error);
  return report;
}

ProbeReport converse(RelayDialog& dialog, const RelaySettings& settings, std::string_view secret,
                     const std::string& sender, const std::vector<std::string>& recipients) {
  const auto timeout = settings.timeouts.reply;
  ProbeReport report;
  if (auto failure = dialog.open(sender)) {
    return failed(std::move(report), failure->encryption ? ProbeStep::encryption : ProbeStep::connection,
                  std::move(failure->error));
  }
  report.encrypted = dialog.encrypted();
  auto mechanism = log_in(dialog, settings, secret);
  if (!mechanism) {
    dialog.leave();
    return failed(std::move(report), ProbeStep::login, std::move(mechanism.error()));
  }
  report.mechanism = std::move(*mechanism);
  const auto is_ascii = [](std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c < 0x80; });
  };
  // As a mail would say it: to a relay that cannot take such an address, its answer is the finding.
  const bool international = !is_ascii(sender) || !std::ranges::all_of(recipients, is_ascii);
  const bool says_so = international && dialog.offer("SMTPUTF8");
  const auto accepted = outcome_of(
      SmtpPhase::sender, dialog.command(fmt::format("MAIL FROM:<{}>{}", sender, says_so ? " SMTPUTF8" : ""), timeout));
  if (!accepted) {
    dialog.leave();
    return failed(std::move(report), ProbeStep::sender, accepted.error());
  }
  for (const std::string& recipient : recipients) {
    const Status taken =
        outcome_of(SmtpPhase::recipient, dialog.command(fmt::format("RCPT TO:<{}>", recipient), timeout));
    if (taken) continue;
    report.refused.push_back({recipient, taken.error()});
    if (taken.error().code.empty() || taken.error().code == "421") break;  // nobody is there any more
  }
  if (!report.refused.empty()) {
    Error first = report.refused.front().error;
    report = failed(std::move(report), ProbeStep::recipients, std::move(first));
  }
  if (!dialog.ended()) (void)dialog.command("RSET", timeout);
  dialog.leave();
  return report;
}

struct Nothing {};

}  // namespace

class RelayProbe::Impl {
 public:
  Impl(RelaySettings settings, Secret secret)
      : settings_(with_roots(std::move(settings))),
        secret_(std::move(secret)),
        pool_(1, std::chrono::seconds(1), [] { return std::make_unique<Nothing>(); }) {}

  Awaitable<Result<ProbeReport>> ask(std::string sender, std::vector<std::string> recipients) {
    co_return co_await pool_.run([this, sender = std::move(sender), recipients = std::move(recipients)](
                                     Nothing&, const std::atomic<bool>& cancelled) -> Result<ProbeReport> {
      RelayDialog dialog(settings_);
      dialog.work_for(cancelled);
      return converse(dialog, settings_, secret_.reveal(), sender, recipients);
    });
  }

 private:
  const RelaySettings settings_;
  const Secret secret_;
  WorkerPool<Nothing, ProbeReport> pool_;
};

RelayProbe::RelayProbe(RelaySettings settings, Secret secret)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(secret))) {}
RelayProbe::~RelayProbe() = default;

Awaitable<Result<ProbeReport>> RelayProbe::ask(std::string sender, std::vector<std::string> recipients) {
  return impl_->ask(std::move(sender), std::move(recipients));
}

}  // namespace s3link::smtp
