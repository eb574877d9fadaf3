#include "apps/s3link/doctor.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <exception>

#include "adapters/dns/cares_text_records.hpp"
#include "adapters/http_client/beast_client.hpp"
#include "adapters/system/system_clock.hpp"
#include "adapters/system/time_zone.hpp"
#include "apps/s3link/doctor_certificate.hpp"
#include "apps/s3link/doctor_folder.hpp"
#include "apps/s3link/doctor_mail.hpp"
#include "apps/s3link/doctor_peers.hpp"
#include "apps/s3link/doctor_relay.hpp"
#include "apps/s3link/doctor_report.hpp"
#include "apps/s3link/doctor_sender.hpp"
#include "apps/s3link/doctor_server.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/process.hpp"
#include "apps/s3link/wording.hpp"
#include "core/doctor/dkim_record.hpp"

namespace s3link::app {
namespace {

using namespace std::chrono_literals;

/// After this no further check begins; each has ten seconds or so.
constexpr std::chrono::seconds kAllChecks = 60s;

constexpr const char* kDoctorHelp =
    "Looks at the configuration, data folder, secrets, disk space, certificate, template, server, public URL,\n"
    "clock, relay (login, sender, every recipient; no mail is sent), SPF, DKIM and DMARC of the sender's\n"
    "domain, alarm, webhook (nothing is posted) and traces. Each is ok, a warning, failed or skipped.\n"
    "Run it on the server's machine, as root or as the server's user.\n"
    "\n"
    "Example:\n"
    "  sudo s3link doctor --config /etc/s3link/s3link.toml --dkim-selector mail\n"
    "\n"
    "Exit status: 0 nothing failed, 1 something failed, 2 wrong use or configuration.";

std::string wrong_option(const DoctorOptions& options) {
  if (!options.dns.empty() && !dns::CaresTextRecords::is_server(options.dns)) {
    return fmt::format("--dns: {} is not ADDRESS or ADDRESS:PORT", options.dns);
  }
  if (!options.dkim_selector.empty() && !doctor::is_dkim_selector(options.dkim_selector)) {
    return fmt::format("--dkim-selector: {} is not a selector", options.dkim_selector);
  }
  return {};
}

void tell_configuration(const config::Loaded& loaded, DoctorReport& report) {
  const auto given = std::ranges::count_if(loaded.values, &config::EffectiveValue::given);
  report.ok("configuration",
            fmt::format("is good; {} not left to the default", counted(static_cast<std::uint64_t>(given), "setting")));
  for (const std::string& warning : loaded.warnings) {
    if (!warning.starts_with("alarm")) report.warning("configuration", warning, "");
  }
}

/// What asks others: the server, the relays, the DNS, those who are told of alarms and traces.
Awaitable<void> check_others(const DoctorOptions& options, const config::Loaded& loaded, RelaySecrets& secrets,
                             ports::HttpClient& http, ports::TextRecords& records, ports::Clock& clock,
                             DoctorReport& report) {
  co_await check_server(loaded, http, clock, report);
  co_await check_relays(loaded.settings, secrets, report);
  co_await check_sender_domain(std::string(loaded.settings.email.sender.domain()), options.dkim_selector, records,
                               report);
  check_alarm_subscribers(loaded, report);
  co_await check_peers(loaded.settings, http, report);
}

}  // namespace

void declare_doctor(CLI::App& app, DoctorOptions& options, std::function<int()>& chosen) {
  CLI::App* const command = app.add_subcommand("doctor", "Check the installation from outside, and say what to repair");
  add_config_options(*command, options.config);
  command->add_option("--dns", options.dns, "Name server to ask; default: those of /etc/resolv.conf")
      ->type_name("ADDRESS[:PORT]");
  command->add_option("--dkim-selector", options.dkim_selector, "The relay's DKIM selector; default: common ones")
      ->type_name("S");
  command->add_flag("--json", options.json, "Print the findings as a JSON array");
  command->footer(kDoctorHelp);
  command->callback([&] { chosen = [&] { return run_doctor(options); }; });
}

int run_doctor(const DoctorOptions& options) {
  if (const std::string wrong = wrong_option(options); !wrong.empty()) return complain(kWrongUse, wrong);
  const auto loaded = load_configuration(options.config);
  if (!loaded) return report_problems(loaded.error());
  const auto files = read_named_files(*loaded);
  if (!files) return report_problems(files.error());
  if (const Status zone = system::use_time_zone(loaded->settings.email.time_zone); !zone) {
    return complain(kFailed, zone.error().message);
  }
  end_at_next_signal();
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to a relay that may be gone

  system::SystemClock clock;
  DoctorReport report(options.json, std::chrono::steady_clock::now() + kAllChecks);
  tell_configuration(*loaded, report);
  check_data_folder(*loaded, report);
  check_certificate(*loaded, clock.now(), report);
  check_link_mail(loaded->settings, *files, clock.now(), report);

  asio::io_context context(1);
  http_client::BeastClient http(context.get_executor(), {.trust = {}, .max_idle_per_peer = 0});
  RelaySecrets secrets(loaded->settings, *files, context, clock);
  dns::CaresTextRecords records(context.get_executor(), {.server = options.dns});
  std::exception_ptr thrown;
  asio::co_spawn(context, check_others(options, *loaded, secrets, http, records, clock, report),
                 [&](std::exception_ptr error) {
                   thrown = error;
                   context.stop();
                 });
  context.run();
  if (thrown) std::rethrow_exception(thrown);
  return report.finish();
}

}  // namespace s3link::app
