#include "core/doctor/finding.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/json_text.hpp"

namespace s3link::doctor {
namespace {

std::string on_one_line(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

}  // namespace

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::warning:
      return "warning";
    case Verdict::failed:
      return "failed";
    case Verdict::skipped:
      break;
  }
  return "skipped";
}

std::string finding_text(const Finding& finding) {
  std::string out =
      fmt::format("{:<8} {}: {}\n", to_string(finding.verdict), finding.check, on_one_line(finding.message));
  if (!finding.fix.empty()) out += fmt::format("{:<8} fix: {}\n", "", on_one_line(finding.fix));
  return out;
}

std::string finding_json(const Finding& finding) {
  std::string out;
  {
    JsonObject object(out);
    object.text("check", finding.check);
    object.text("result", to_string(finding.verdict));
    object.text("message", finding.message);
    if (finding.fix.empty()) {
      object.literal("fix", "null");
    } else {
      object.text("fix", finding.fix);
    }
  }
  return out;
}

}  // namespace s3link::doctor
