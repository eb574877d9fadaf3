#include "apps/s3link/doctor_sender.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "core/doctor/dkim_record.hpp"
#include "core/doctor/dmarc_record.hpp"
#include "core/doctor/sender_domain.hpp"
#include "core/doctor/spf_record.hpp"

namespace s3link::app {
namespace {

using Texts = std::vector<std::string>;

/// The DNS could not be asked: no more is to be learned.
enum class Dns { answers, silent };

/// No records, where there is no such name.
Result<Texts> none_if_missing(Result<Texts> found) {
  if (!found && found.error().kind == ErrorKind::not_found) return Texts{};
  return found;
}

void tell_silence(const char* check, const Error& error, DoctorReport& report) {
  report.failed(check, error.message, "check /etc/resolv.conf, or name another server with --dns ADDRESS:PORT");
}

void tell_spf(const std::string& domain, const Result<doctor::SpfRecord>& record, DoctorReport& report) {
  const std::string publish = fmt::format(
      "publish a TXT record of {} such as \"v=spf1 include:<your relay> -all\" "
      "(the domain of email.sender)",
      domain);
  if (!record && record.error().kind == ErrorKind::not_found) {
    report.warning("SPF", fmt::format("{} has no SPF record: many receivers take its mail for spam", domain), publish);
  } else if (!record) {
    report.failed("SPF", fmt::format("{}: {}", domain, record.error().message), publish);
  } else if (record->lookups > doctor::SpfRecord::kMaxLookups) {
    report.failed("SPF",
                  fmt::format("{} costs {} look-ups, and receivers do {} at most", domain, record->lookups,
                              doctor::SpfRecord::kMaxLookups),
                  fmt::format("shorten the SPF record of {}", domain));
  } else if (record->otherwise == doctor::SpfDefault::pass) {
    report.warning("SPF", fmt::format("{} lets everybody send: {}", domain, record->text),
                   fmt::format("end the SPF record of {} with -all or ~all", domain));
  } else {
    report.ok("SPF", fmt::format("{}: {}", domain, record->text));
  }
}

void tell_dmarc(const std::string& name, const Result<doctor::DmarcRecord>& record, DoctorReport& report) {
  const std::string publish =
      fmt::format("publish a TXT record of {} such as \"v=DMARC1; p=none; rua=mailto:...\"", name);
  if (record) {
    report.ok("DMARC", fmt::format("{}: p={}{}", name, record->policy,
                                   record->has_reports ? "" : ", and nobody gets the reports (rua)"));
  } else if (record.error().kind == ErrorKind::not_found) {
    report.warning("DMARC", fmt::format("{}: {}", name, record.error().message), publish);
  } else {
    report.failed("DMARC", fmt::format("{}: {}", name, record.error().message), publish);
  }
}

Awaitable<Dns> check_spf(std::string domain, ports::TextRecords& records, DoctorReport& report) {
  const auto texts = none_if_missing(co_await records.find(domain));
  if (!texts) {
    tell_silence("SPF", texts.error(), report);
    co_return texts.error().kind == ErrorKind::transient ? Dns::silent : Dns::answers;
  }
  tell_spf(domain, doctor::find_spf(*texts), report);
  co_return Dns::answers;
}

Awaitable<Dns> check_dmarc(std::string domain, ports::TextRecords& records, DoctorReport& report) {
  const auto names = doctor::dmarc_names(domain);
  for (const std::string& name : names) {
    const auto texts = none_if_missing(co_await records.find(name));
    if (!texts) {
      tell_silence("DMARC", texts.error(), report);
      co_return Dns::silent;
    }
    const auto record = doctor::find_dmarc(*texts);
    if (!record && record.error().kind == ErrorKind::not_found && &name != &names.back()) continue;
    tell_dmarc(record ? name : names.front(), record, report);
    co_return Dns::answers;
  }
  co_return Dns::answers;
}

void tell_dkim(const std::string& name, const Result<doctor::DkimRecord>& record, DoctorReport& report) {
  if (!record) {
    report.failed("DKIM", fmt::format("{}: {}", name, record.error().message),
                  "publish the key that the relay signs with, or correct --dkim-selector");
  } else if (record->testing) {
    report.warning("DKIM", fmt::format("{} says that it is a test (t=y)", name), "remove t=y once signatures verify");
  } else {
    report.ok("DKIM", fmt::format("{} holds a key ({})", name, record->key_type));
  }
}

Awaitable<Dns> check_dkim(std::string domain, std::string selector, ports::TextRecords& records, DoctorReport& report) {
  std::vector<std::string> selectors;
  if (selector.empty()) {
    for (const std::string_view common : doctor::common_dkim_selectors()) selectors.emplace_back(common);
  } else {
    selectors.push_back(selector);
  }
  for (const std::string& each : selectors) {
    const std::string name = fmt::format("{}._domainkey.{}", each, domain);
    const auto texts = none_if_missing(co_await records.find(name));
    if (!texts) {
      tell_silence("DKIM", texts.error(), report);
      co_return Dns::silent;
    }
    const auto record = doctor::find_dkim(*texts);
    // Of a selector that nobody named, only a key says that it is used.
    if (!record && selector.empty()) continue;
    tell_dkim(name, record, report);
    co_return Dns::answers;
  }
  report.skipped("DKIM",
                 fmt::format("none of {} common selectors has a key at {}; which one the relay uses stands in its "
                             "configuration",
                             selectors.size(), domain),
                 "name it with --dkim-selector");
  co_return Dns::answers;
}

}  // namespace

Awaitable<void> check_sender_domain(std::string domain, std::string selector, ports::TextRecords& records,
                                    DoctorReport& report) {
  if (const std::string why = doctor::why_no_public_records(domain); !why.empty()) {
    for (const char* const check : {"SPF", "DKIM", "DMARC"}) report.skipped(check, why + " (email.sender)");
    co_return;
  }
  Dns dns = report.has_time_for("SPF") ? co_await check_spf(domain, records, report) : Dns::answers;
  if (dns == Dns::silent) {
    report.skipped("DKIM", "the DNS does not answer");
  } else if (report.has_time_for("DKIM")) {
    dns = co_await check_dkim(domain, std::move(selector), records, report);
  }
  if (dns == Dns::silent) {
    report.skipped("DMARC", "the DNS does not answer");
  } else if (report.has_time_for("DMARC")) {
    co_await check_dmarc(domain, records, report);
  }
}

}  // namespace s3link::app
