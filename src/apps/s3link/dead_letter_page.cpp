#include "apps/s3link/dead_letter_page.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "apps/s3link/wording.hpp"

namespace s3link::app {
namespace {

namespace json = boost::json;

std::unexpected<Error> not_what_it_should_be() {
  return fail(ErrorKind::internal, "the server's answer is not about dead letters");
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number_of(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  boost::system::error_code error;
  const auto number = value && value->is_number() ? value->to_number<std::int64_t>(error) : 0;
  return error ? 0 : number;
}

Instant instant_of(const json::object& object, std::string_view name) {
  return parse_iso8601(text_of(object, name)).value_or(Instant{});
}

/// The objects in the list of that name; null where there is no such list of objects.
std::optional<std::vector<const json::object*>> objects_of(const json::object& object, std::string_view name) {
  const json::value* const list = object.if_contains(name);
  if (!list || !list->is_array()) return std::nullopt;
  std::vector<const json::object*> out;
  for (const json::value& item : list->get_array()) {
    if (!item.is_object()) return std::nullopt;
    out.push_back(&item.get_object());
  }
  return out;
}

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  json::value document = json::parse(text, error);
  if (error || !document.is_object()) return not_what_it_should_be();
  return std::move(document.get_object());
}

ports::FailureReason reason_of(const json::object& object) {
  return {.kind = text_of(object, "reason"),
          .message = text_of(object, "message"),
          .recipient = text_of(object, "recipient"),
          .reply = text_of(object, "reply")};
}

ports::DeadLetter letter_of(const json::object& object) {
  return {.id = number_of(object, "id"),
          .event_json = {},
          .bucket = text_of(object, "bucket"),
          .key = text_of(object, "key"),
          .created = instant_of(object, "created"),
          .attempts = static_cast<unsigned>(number_of(object, "attempts")),
          .first_failure = instant_of(object, "first_failure"),
          .last_failure = instant_of(object, "last_failure"),
          .reason = reason_of(object),
          .trace = text_of(object, "trace"),
          .history = {}};
}

/// Two spaces for each level; a nested value in lines of its own.
void append_indented(std::string& out, const json::value& value, std::size_t level) {
  const std::string indent(2 * level + 2, ' ');
  const auto close = [&](char bracket) { out += "\n" + std::string(2 * level, ' ') + bracket; };
  if (value.is_object() && !value.get_object().empty()) {
    const char* separator = "{\n";
    for (const auto& member : value.get_object()) {
      out += separator + indent + json::serialize(json::value(member.key())) + ": ";
      append_indented(out, member.value(), level + 1);
      separator = ",\n";
    }
    close('}');
  } else if (value.is_array() && !value.get_array().empty()) {
    const char* separator = "[\n";
    for (const json::value& item : value.get_array()) {
      out += separator + indent;
      append_indented(out, item, level + 1);
      separator = ",\n";
    }
    close(']');
  } else {
    out += json::serialize(value);
  }
}

void add_line(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) fmt::format_to(std::back_inserter(out), "           {:<13} {}\n", name, printable(value));
}

std::string attempts_in_words(const ports::DeadLetter& letter) {
  return fmt::format("{}, first {}, last {}", counted(letter.attempts, "attempt"),
                     instant_in_words(letter.first_failure), instant_in_words(letter.last_failure));
}

std::string reason_in_words(const ports::FailureReason& reason) {
  return fmt::format("{}: {}", reason.kind, reason.message);
}

}  // namespace

Result<DeadLetterList> parse_dead_letter_list(std::string_view text) {
  const auto document = parse_object(text);
  if (!document) return std::unexpected(document.error());
  const auto letters = objects_of(*document, "dead_letters");
  const auto reasons = objects_of(*document, "reasons");
  if (!letters || !reasons) return not_what_it_should_be();
  DeadLetterList list{
      .length = static_cast<std::uint64_t>(number_of(*document, "length")), .reasons = {}, .letters = {}};
  for (const json::object* const item : *reasons) {
    list.reasons.push_back(
        {.kind = text_of(*item, "reason"), .count = static_cast<std::uint64_t>(number_of(*item, "count"))});
  }
  for (const json::object* const item : *letters) list.letters.push_back(letter_of(*item));
  return list;
}

Result<ports::DeadLetter> parse_dead_letter(std::string_view text) {
  const auto document = parse_object(text);
  if (!document) return std::unexpected(document.error());
  const auto history = objects_of(*document, "history");
  if (!history) return not_what_it_should_be();
  ports::DeadLetter letter = letter_of(*document);
  for (const json::object* const item : *history)
    letter.history.push_back({.at = instant_of(*item, "at"), .reason = reason_of(*item)});
  if (const json::value* const event = document->if_contains("event")) append_indented(letter.event_json, *event, 0);
  return letter;
}

Result<DeadLetterChange> parse_dead_letter_change(std::string_view text, std::string_view done) {
  const auto document = parse_object(text);
  if (!document) return std::unexpected(document.error());
  const json::value* const ids = document->if_contains(done);
  const auto refused = objects_of(*document, "refused");
  if (!ids || !ids->is_array() || !refused) return not_what_it_should_be();
  DeadLetterChange change{.done = ids->get_array().size(), .refused = {}, .next = {}};
  for (const json::object* const item : *refused) {
    change.refused.push_back(
        {.id = number_of(*item, "id"), .reason = text_of(*item, "reason"), .message = text_of(*item, "message")});
  }
  if (const auto next = number_of(*document, "next"); next > 0) change.next = next;
  return change;
}

std::string dead_letter_in_words(const ports::DeadLetter& letter) {
  std::string out = fmt::format("{:<9}  {}\n", letter.id, printable(letter.key));
  add_line(out, "to", letter.reason.recipient);
  add_line(out, "reason", reason_in_words(letter.reason));
  add_line(out, "failed", attempts_in_words(letter));
  return out;
}

std::string whole_dead_letter_in_words(const ports::DeadLetter& letter) {
  std::string out = fmt::format("{:<9}  {}\n", letter.id, printable(letter.key));
  add_line(out, "bucket", letter.bucket);
  add_line(out, "uploaded", instant_in_words(letter.created));
  add_line(out, "to", letter.reason.recipient);
  add_line(out, "reason", reason_in_words(letter.reason));
  add_line(out, "relay said", letter.reason.reply);
  add_line(out, "failed", attempts_in_words(letter));
  add_line(out, "trace", letter.trace);
  for (const auto& attempt : letter.history)
    add_line(out, "attempt", fmt::format("{}  {}", instant_in_words(attempt.at), reason_in_words(attempt.reason)));
  if (letter.event_json.empty()) return out;
  out += "           event\n";
  std::string_view rest = letter.event_json;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    fmt::format_to(std::back_inserter(out), "             {}\n", printable(line));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  return out;
}

std::string summary_in_words(const DeadLetterList& list, bool filtered) {
  std::string out = counted(list.length, "dead letter");
  const char* separator = ": ";
  for (const auto& reason : list.reasons) {
    out += separator + fmt::format("{} {}", reason.count, printable(reason.kind));
    separator = ", ";
  }
  if (!filtered && list.letters.size() < list.length)
    out += fmt::format("; the newest {} are shown, --limit N shows more", list.letters.size());
  return out + "\n";
}

}  // namespace s3link::app
