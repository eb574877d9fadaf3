#include "adapters/aws/claim_table.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <chrono>

#include "core/base/json_text.hpp"
#include "core/event/event_record.hpp"

namespace s3link::aws::claim_table {
namespace {

namespace json = boost::json;
using ports::ClaimKey;

/// An entry that came to nothing is forgotten this long after its first lease.
constexpr std::chrono::days kUnfinishedKept{1};

constexpr std::string_view kKnownVersion = "(attribute_not_exists(item_version) OR item_version = :version)";

std::int64_t unix_seconds(Instant when) {
  return std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count();
}

void text_value(JsonObject& values, std::string_view name, std::string_view text) {
  JsonObject(values.member(name)).text("S", text);
}

void number_value(JsonObject& values, std::string_view name, std::int64_t number) {
  JsonObject(values.member(name)).text("N", std::to_string(number));
}

/// No bucket's name holds a '/', no version a blank: so no two keys are written alike.
void item_key(JsonObject& attributes, const ClaimKey& key) {
  text_value(attributes, "object", key.bucket + '/' + key.key);
  text_value(attributes, "delivery", key.version + ' ' + key.recipient);
}

void cursor_key(JsonObject& attributes) {
  text_value(attributes, "object", "/sweep");
  text_value(attributes, "delivery", "cursor");
}

void begin(JsonObject& request, std::string_view table, const ClaimKey& key) {
  request.text("TableName", table);
  JsonObject attributes(request.member("Key"));
  item_key(attributes, key);
}

/// The moment that is held against an entry's `seen_at` where sequencers cannot be compared.
Instant moment_of(const ClaimKey& key) {
  return key.sequencer.empty() && key.modified != Instant{} ? key.modified : key.seen;
}

std::string_view text_of(const json::object& attributes, std::string_view name, std::string_view type) {
  const auto* const attribute = attributes.if_contains(name);
  const auto* const typed = attribute == nullptr ? nullptr : attribute->if_object();
  const auto* const value = typed == nullptr ? nullptr : typed->if_contains(type);
  const auto* const text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

std::optional<std::int64_t> number_of(const json::object& attributes, std::string_view name) {
  const std::string_view text = text_of(attributes, name, "N");
  std::int64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Instant> moment_of(const json::object& attributes, std::string_view name) {
  const auto ms = number_of(attributes, name);
  return ms ? std::optional(from_unix_ms(*ms)) : std::nullopt;
}

}  // namespace

std::string claim(std::string_view table, const ClaimKey& key, std::string_view owner, Instant now,
                  Instant lease_until) {
  const std::string sequencer = event::comparable_sequencer(key.sequencer);
  std::string out;
  out.reserve(1'024 + 2 * key.key.size());
  {
    JsonObject request(out);
    begin(request, table, key);
    request.text("UpdateExpression",
                 "SET item_version = :version, lease_owner = :owner, lease_until = :until, "
                 "expires = if_not_exists(expires, :expires)");
    request.text(
        "ConditionExpression",
        fmt::format("{} AND (attribute_not_exists(sent_at) OR {}) AND "
                    "(attribute_not_exists(lease_until) OR lease_until <= :now OR lease_owner = :owner)",
                    kKnownVersion,
                    sequencer.empty()
                        ? "seen_at < :moment"
                        : "sequencer < :sequencer OR (attribute_not_exists(sequencer) AND seen_at < :moment)"));
    {
      JsonObject values(request.member("ExpressionAttributeValues"));
      number_value(values, ":version", kItemVersion);
      text_value(values, ":owner", owner);
      number_value(values, ":until", to_unix_ms(lease_until));
      number_value(values, ":expires", unix_seconds(lease_until + kUnfinishedKept));
      number_value(values, ":now", to_unix_ms(now));
      number_value(values, ":moment", to_unix_ms(moment_of(key)));
      if (!sequencer.empty()) text_value(values, ":sequencer", sequencer);
    }
    request.text("ReturnValuesOnConditionCheckFailure", "ALL_OLD");
  }
  return out;
}

std::string record_sent(std::string_view table, const ClaimKey& key, std::string_view owner,
                        std::string_view message_id, Instant sent, Instant keep_until, bool ends_lease) {
  const std::string sequencer = event::comparable_sequencer(key.sequencer);
  std::string update =
      "SET item_version = :version, sent_at = :sent, seen_at = :seen, message_id = :message, expires = :expires";
  if (!sequencer.empty()) update += ", sequencer = :sequencer";
  if (ends_lease || sequencer.empty()) update += " REMOVE ";
  if (ends_lease) update += "lease_owner, lease_until";
  if (sequencer.empty()) update += ends_lease ? ", sequencer" : "sequencer";

  std::string out;
  out.reserve(1'024 + 2 * key.key.size());
  {
    JsonObject request(out);
    begin(request, table, key);
    request.text("UpdateExpression", update);
    request.text("ConditionExpression",
                 ends_lease
                     ? fmt::format("{} AND (attribute_not_exists(lease_owner) OR lease_owner = :owner)", kKnownVersion)
                     : std::string(kKnownVersion));
    JsonObject values(request.member("ExpressionAttributeValues"));
    number_value(values, ":version", kItemVersion);
    number_value(values, ":sent", to_unix_ms(sent));
    number_value(values, ":seen", to_unix_ms(key.seen));
    text_value(values, ":message", message_id);
    number_value(values, ":expires", unix_seconds(keep_until));
    if (!sequencer.empty()) text_value(values, ":sequencer", sequencer);
    if (ends_lease) text_value(values, ":owner", owner);
  }
  return out;
}

std::string release(std::string_view table, const ClaimKey& key, std::string_view owner) {
  std::string out;
  {
    JsonObject request(out);
    begin(request, table, key);
    request.text("UpdateExpression", "REMOVE lease_owner, lease_until");
    request.text("ConditionExpression", "lease_owner = :owner");
    JsonObject values(request.member("ExpressionAttributeValues"));
    text_value(values, ":owner", owner);
  }
  return out;
}

std::string read(std::string_view table, const ClaimKey& key) {
  std::string out;
  {
    JsonObject request(out);
    begin(request, table, key);
    request.literal("ConsistentRead", "true");
    request.text("ProjectionExpression", "item_version, sent_at, seen_at");
  }
  return out;
}

std::string read_cursor(std::string_view table) {
  std::string out;
  {
    JsonObject request(out);
    request.text("TableName", table);
    request.literal("ConsistentRead", "true");
    JsonObject attributes(request.member("Key"));
    cursor_key(attributes);
  }
  return out;
}

std::string save_cursor(std::string_view table, std::string_view start_after) {
  std::string out;
  {
    JsonObject request(out);
    request.text("TableName", table);
    JsonObject attributes(request.member("Item"));
    cursor_key(attributes);
    number_value(attributes, "item_version", kItemVersion);
    text_value(attributes, "start_after", start_after);
  }
  return out;
}

Result<std::optional<Item>> read_item(std::string_view document) {
  boost::system::error_code ec;
  const json::value answer = json::parse(document, ec);
  const auto* const members = ec ? nullptr : answer.if_object();
  if (members == nullptr) return fail(ErrorKind::transient, "the answer is no document of DynamoDB", "unknown");
  const auto* const member = members->if_contains("Item");
  const auto* const attributes = member == nullptr ? nullptr : member->if_object();
  if (attributes == nullptr) return std::optional<Item>();

  if (const auto version = number_of(*attributes, "item_version"); version != kItemVersion) {
    return fail(ErrorKind::denied,
                fmt::format("the claim table holds an item of version {}, this program knows version {}",
                            version ? std::to_string(*version) : "(none)", kItemVersion),
                "ItemVersion");
  }
  return Item{.sent = moment_of(*attributes, "sent_at"),
              .seen = moment_of(*attributes, "seen_at").value_or(Instant{}),
              .sequencer = std::string(text_of(*attributes, "sequencer", "S")),
              .lease_owner = std::string(text_of(*attributes, "lease_owner", "S")),
              .lease_until = moment_of(*attributes, "lease_until"),
              .start_after = std::string(text_of(*attributes, "start_after", "S"))};
}

bool covers(const Item& item, const ClaimKey& key) {
  if (!item.sent) return false;
  const std::string ours = event::comparable_sequencer(key.sequencer);
  if (!ours.empty() && !item.sequencer.empty()) return ours <= item.sequencer;
  return moment_of(key) <= item.seen;
}

}  // namespace s3link::aws::claim_table
