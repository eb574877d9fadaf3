// Signs and verifies requests for test_botocore.py. One JSON object a line on standard input, one answer a line on
// standard output. Text is UTF-8; "now" is in milliseconds since 1970; "fields" and "query" are lists of [name, value].
//
//   {"op": "key", "id": …, "secret": …, "token": …}                       → {}
//   {"op": "verify", "id": …, "method": …, "target": …, "fields": …, "now": …} → {} or {"code": …, "message": …}
//   {"op": "sign", "id": …, "method": …, "host": …, "target": …, "fields": …, "payload_hash": …, "now": …}
//                                                                          → {"authorization": …}
//   {"op": "presign", "id": …, "method": …, "base_url": …, "path": …, "query": …, "expires": …, "now": …} → {"url": …}
#include <boost/json.hpp>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "core/base/encoding.hpp"
#include "core/sigv4/presign.hpp"
#include "core/sigv4/sign.hpp"
#include "core/sigv4/verify.hpp"

namespace {

namespace json = boost::json;
using namespace s3link;

constexpr std::string_view kRegion = "us-east-1";

struct Key {
  sigv4::Credentials credentials;
  sigv4::Verifier verifier{credentials, std::string(kRegion)};
};

std::string text(const json::object& line, std::string_view name) {
  return std::string(std::string_view(line.at(name).as_string()));
}

Instant now_of(const json::object& line) { return from_unix_ms(line.at("now").to_number<std::int64_t>()); }

sigv4::Fields pairs(const json::object& line, std::string_view name) {
  sigv4::Fields out;
  for (const json::value& pair : line.at(name).as_array()) {
    const json::array& both = pair.as_array();
    out.emplace_back(std::string_view(both.at(0).as_string()), std::string_view(both.at(1).as_string()));
  }
  return out;
}

json::object verify(Key& key, const json::object& line) {
  const std::string method = text(line, "method");
  const std::string target = text(line, "target");
  const sigv4::Fields fields = pairs(line, "fields");
  const auto verified = key.verifier.verify({method, target, fields}, now_of(line));
  if (verified) return {};
  return {{"code", verified.error().code}, {"message", verified.error().message}};
}

json::object sign(const Key& key, const json::object& line) {
  sigv4::OutgoingRequest request{text(line, "method"), text(line, "host"), text(line, "target"), pairs(line, "fields")};
  sigv4::sign_request(request, key.credentials, kRegion, "s3", text(line, "payload_hash"), now_of(line));
  for (const auto& [name, value] : request.fields) {
    if (equals_ignoring_case(name, "authorization")) return {{"authorization", value}};
  }
  throw std::logic_error("signed without Authorization");
}

json::object presign(const Key& key, const json::object& line) {
  const sigv4::PresignRequest request{.method = text(line, "method"),
                                      .base_url = text(line, "base_url"),
                                      .path = text(line, "path"),
                                      .query = pairs(line, "query")};
  const auto expires = sigv4::ExpiresIn::parse(text(line, "expires"));
  if (!expires) return {{"code", expires.error().code}};
  return {{"url", sigv4::presign(request, key.credentials, kRegion, *expires, now_of(line)).reveal()}};
}

json::object answer(std::map<std::string, std::unique_ptr<Key>>& keys, const json::object& line) {
  const std::string op = text(line, "op");
  const std::string id = text(line, "id");
  if (op == "key") {
    keys[id].reset(new Key{{id, Secret(text(line, "secret")), Secret(text(line, "token"))}});
    return {};
  }
  Key& key = *keys.at(id);
  if (op == "verify") return verify(key, line);
  if (op == "sign") return sign(key, line);
  if (op == "presign") return presign(key, line);
  throw std::invalid_argument("unknown op " + op);
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  std::map<std::string, std::unique_ptr<Key>> keys;
  std::string line;
  try {
    while (std::getline(std::cin, line)) std::cout << answer(keys, json::parse(line).as_object()) << '\n';
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return std::cout.flush() ? 0 : 1;
}
