#include "services/server/dead_letter_selection.hpp"

#include <boost/json.hpp>
#include <charconv>
#include <string>

#include "core/s3/error_code.hpp"

namespace s3link::server {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostIds = 1000;

std::unexpected<Error> wrong(std::string message) {
  return s3::refuse(s3::ErrorCode::invalid_argument, std::move(message));
}

Result<std::int64_t> id_of(const json::value& value, const std::string& member) {
  boost::system::error_code error;
  const auto id = value.is_number() ? value.to_number<std::int64_t>(error) : 0;
  if (error || id < 1) return wrong(member + ": not a dead letter's id");
  return id;
}

Status read_ids(const json::value& value, DeadLetterSelection& out) {
  if (!value.is_array() || value.get_array().empty() || value.get_array().size() > kMostIds)
    return wrong("ids: not a list of 1 to 1000");
  for (const json::value& item : value.get_array()) {
    const auto id = id_of(item, "ids");
    if (!id) return std::unexpected(id.error());
    out.ids.push_back(*id);
  }
  return {};
}

Status read_member(std::string_view name, const json::value& value, DeadLetterSelection& out) {
  if (name == "ids") return read_ids(value, out);
  if (name == "all") {
    if (!value.is_bool() || !value.get_bool()) return wrong("all: not true");
    out.filter.emplace();
    return {};
  }
  if (name == "reason") {
    if (!value.is_string() || value.get_string().empty()) return wrong("reason: not a text");
    out.filter.emplace().reason = value.get_string();
    return {};
  }
  if (name != "after") return wrong("neither ids, all, reason nor after: " + std::string(name.substr(0, 40)));
  const auto after = id_of(value, "after");
  if (!after) return std::unexpected(after.error());
  out.after = *after;
  return {};
}

}  // namespace

Result<DeadLetterSelection> parse_dead_letter_selection(std::string_view text) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  if (error || !document.is_object()) return wrong("the body is not a JSON object");
  const json::object& object = document.get_object();
  const auto has = [&](std::string_view name) { return object.contains(name) ? 1 : 0; };
  if (has("ids") + has("all") + has("reason") != 1) return wrong("one of ids, all and reason is needed");
  if (has("ids") + has("after") == 2) return wrong("after: goes with all or reason");
  DeadLetterSelection out;
  for (const auto& member : object) {
    if (const Status read = read_member(member.key(), member.value(), out); !read) return std::unexpected(read.error());
  }
  return out;
}

Result<std::int64_t> parse_dead_letter_id(std::string_view text) {
  std::int64_t id = 0;
  const char* const last = text.data() + text.size();
  const auto [end, ec] = std::from_chars(text.data(), last, id);
  if (ec != std::errc{} || end != last || id < 1) return wrong("not a dead letter's id");
  return id;
}

}  // namespace s3link::server
