#include "apps/s3link/object_page.hpp"

#include <boost/json.hpp>

namespace s3link::app {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<ListedObject> object_of(const json::value& value) {
  if (!value.is_object()) return std::nullopt;
  const json::object& object = value.get_object();
  const auto modified = parse_iso8601(text_of(object, "modified"));
  const json::value* const size = object.if_contains("size_bytes");
  boost::system::error_code error;
  const auto bytes = size && size->is_number() ? size->to_number<std::uint64_t>(error) : 0;
  ListedObject out{text_of(object, "key"), bytes, text_of(object, "etag"), modified.value_or(Instant{}),
                   parse_iso8601(text_of(object, "removed_at"))};
  if (out.key.empty() || !modified || error) return std::nullopt;
  return out;
}

}  // namespace

Result<ObjectPage> parse_object_page(std::string_view text) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  const json::value* const list =
      !error && document.is_object() ? document.get_object().if_contains("objects") : nullptr;
  if (!list || !list->is_array()) return fail(ErrorKind::internal, "the server's answer is not a list of objects");
  ObjectPage page{.objects = {}, .next = text_of(document.get_object(), "next")};
  for (const json::value& value : list->get_array()) {
    auto object = object_of(value);
    if (!object) return fail(ErrorKind::internal, "the server's list has a broken key, size or date");
    page.objects.push_back(std::move(*object));
  }
  return page;
}

}  // namespace s3link::app
