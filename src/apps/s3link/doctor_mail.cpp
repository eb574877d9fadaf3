#include "apps/s3link/doctor_mail.hpp"

#include <fmt/format.h>

#include <string>

#include "adapters/system/time_zone.hpp"
#include "core/config/quantity.hpp"

namespace s3link::app {
namespace {

/// A mail program shows about as much of a subject; RFC 5322 §2.1.1 ends lines at 998.
constexpr std::size_t kLongSubject = 200;

mail::RenderedMail render_sample(const config::Settings& settings, const NamedFiles& files, Instant now,
                                 std::string_view link) {
  const std::string sha256(32, '\x5a');
  return files.link_template.render({.link = link,
                                     .bucket = settings.bucket.name.text(),
                                     .key = "reports/sample & <test>.pdf",
                                     .size_bytes = 1'234'567,
                                     .sha256 = sha256,
                                     .sender_name = settings.email.sender_name,
                                     .now = now,
                                     .deadline = now + settings.link.expiration,
                                     .removed_at = now + settings.bucket.object_ttl,
                                     .language = settings.email.language,
                                     .utc_offset = system::utc_offset_at});
}

void check_template(const config::Settings& settings, const NamedFiles& files, Instant now, DoctorReport& report) {
  const std::string link = "https://files.example.org/sample?X-Amz-Expires=1";
  const mail::RenderedMail mail = render_sample(settings, files, now, link);
  const std::string from =
      settings.email.template_dir ? settings.email.template_dir->string() : std::string("the built-in template");
  const std::string fix = "correct the files in email.template_dir";
  if (!mail.text.reveal().contains(link)) {
    report.failed("template", fmt::format("{}: body.txt does not show the link", from), fix);
  } else if (mail.subject.empty() || mail.subject.size() > kLongSubject) {
    report.warning("template", fmt::format("{}: the subject has {} characters", from, mail.subject.size()), fix);
  } else {
    report.ok("template", fmt::format("{} renders: \"{}\"", from, mail.subject));
  }
}

}  // namespace

void check_link_mail(const config::Settings& settings, const NamedFiles& files, Instant now, DoctorReport& report) {
  // The configuration refuses links that outlive their file, so here is only something to tell.
  report.ok("links", fmt::format("work for {} (link.expiration); files are kept for {} (bucket.object_ttl)",
                                 config::format_duration(settings.link.expiration),
                                 config::format_duration(settings.bucket.object_ttl)));
  check_template(settings, files, now, report);
}

void check_alarm_subscribers(const config::Loaded& loaded, DoctorReport& report) {
  const config::Settings::Alarm& alarm = loaded.settings.alarm;
  bool warned = false;
  for (const std::string& warning : loaded.warnings) {
    if (!warning.starts_with("alarm")) continue;
    warned = true;
    report.warning("alarm", warning, "set alarm.email and alarm.webhook to two that do not share their fate");
  }
  if (warned) return;
  report.ok("alarm", fmt::format("is told to {}{}", alarm.email ? alarm.email->text() : std::string("nobody by mail"),
                                 alarm.webhook.empty() ? "" : " and to a webhook"));
}

}  // namespace s3link::app
