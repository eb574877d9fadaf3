#include "core/mail/rate.hpp"

#include <charconv>
#include <optional>

namespace s3link::mail {
namespace {

using std::chrono::seconds;

std::optional<seconds> unit(std::string_view letter) {
  if (letter == "s") return seconds(1);
  if (letter == "m") return seconds(60);
  if (letter == "h") return seconds(3'600);
  if (letter == "d") return seconds(86'400);
  return std::nullopt;
}

}  // namespace

Result<Rate> Rate::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto per = slash == std::string_view::npos ? std::nullopt : unit(text.substr(slash + 1));
  unsigned count = 0;
  const char* const end = text.data() + (per ? slash : 0);
  const auto [read, ec] = std::from_chars(text.data(), end, count);
  if (!per || ec != std::errc{} || read != end || count < 1 || count > 1'000'000) {
    return fail(ErrorKind::invalid_argument, "not a rate, such as 1/s, 30/m, 60/h or 1000/d");
  }
  return Rate{count, *per};
}

std::string Rate::text() const {
  const char* const letter = per == seconds(1) ? "s" : per == seconds(60) ? "m" : per == seconds(3'600) ? "h" : "d";
  return std::to_string(count) + "/" + letter;
}

}  // namespace s3link::mail
