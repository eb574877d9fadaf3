#include "apps/s3link/api_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <pugixml.hpp>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/sigv4/sign.hpp"

namespace s3link::app {
namespace {

using namespace std::chrono_literals;

std::string encode_target(const ApiRequest& request) {
  std::string out = uri_encode_path(request.path);
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    out += separator;
    out += uri_encode(name) + "=" + uri_encode(value);
    separator = '&';
  }
  return out;
}

/// A request may take a minute, and its body as long as it needs at 100 KiB/s.
std::chrono::milliseconds deadline_for(std::uint64_t body_length) {
  return 60s + std::chrono::seconds(body_length / (100 * 1024));
}

/// {"error":{"code":…,"message":…}}
void read_json_error(std::string_view body, Error& out) {
  boost::system::error_code failure;
  const boost::json::value document = boost::json::parse(body, failure);
  if (failure || !document.is_object()) return;
  const boost::json::value* const error = document.get_object().if_contains("error");
  if (!error || !error->is_object()) return;
  const auto text = [&](std::string_view name) {
    const boost::json::value* const value = error->get_object().if_contains(name);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  out.code = text("code");
  out.message = text("message");
}

}  // namespace

ApiClient::ApiClient(const ServerAccess& access, std::string region, ports::HttpClient& http, ports::Clock& clock,
                     ports::Random& random)
    : access_(access), region_(std::move(region)), http_(http), clock_(clock), random_(random) {}

Awaitable<Result<ports::HttpClientResponse>> ApiClient::exchange(ApiRequest request) {
  const bool default_port = access_.address.port == (access_.scheme == "https" ? 443 : 80);
  const std::string authority = access_.address.text();
  sigv4::OutgoingRequest outgoing{
      .method = request.method,
      .host = default_port ? authority.substr(0, authority.rfind(':')) : authority,
      .target = encode_target(request),
      .fields = request.fields,
  };
  sigv4::sign_request(outgoing, access_.credentials, region_, "s3",
                      request.body_sha256.empty() ? kEmptySha256 : request.body_sha256, clock_.now());
  const auto source = request.body ? request.body() : nullptr;
  auto response = co_await http_.exchange({.scheme = access_.scheme,
                                           .host = access_.address.host,
                                           .port = access_.address.port,
                                           .method = request.method,
                                           .target = outgoing.target,
                                           .fields = outgoing.fields,
                                           .body_length = request.body_length},
                                          source.get(), deadline_for(request.body_length));
  if (!response && response.error().kind == ErrorKind::transient && response.error().code == "connection") {
    Error error = response.error();
    error.message = fmt::format("nothing answers at {} ({}); {}", access_.endpoint(), error.message, access_.advice);
    co_return std::unexpected(std::move(error));
  }
  co_return response;
}

Awaitable<Result<ports::HttpClientResponse>> ApiClient::call(ApiRequest request, bool repeatable, unsigned attempts) {
  auto wait = 200ms;
  for (unsigned attempt = 1;; ++attempt) {
    auto response = co_await exchange(request);
    Error error;
    if (response) {
      if (response->status >= 200 && response->status < 300) co_return response;
      error = to_error(*response);
    } else {
      error = response.error();
    }
    const bool unknown = !response && error.code != "connection";
    if (error.kind != ErrorKind::transient || (unknown && !repeatable) || attempt >= attempts) {
      co_return std::unexpected(std::move(error));
    }
    const auto jitter = std::chrono::milliseconds(random_.next_u64() % static_cast<std::uint64_t>(wait.count()));
    co_await clock_.sleep_until(clock_.now() + wait / 2 + jitter / 2);
    wait = std::min<std::chrono::milliseconds>(wait * 2, 8s);
  }
}

Error ApiClient::to_error(const ports::HttpClientResponse& response) {
  Error error;
  pugi::xml_document document;
  if (document.load_buffer(response.body.data(), response.body.size())) {
    const pugi::xml_node node = document.child("Error");
    error.code = node.child_value("Code");
    error.message = node.child_value("Message");
  } else {
    read_json_error(response.body, error);
  }
  const unsigned status = response.status;
  error.kind = status == 404                    ? ErrorKind::not_found
               : status == 401 || status == 403 ? ErrorKind::denied
               : status == 409 || status == 412 ? ErrorKind::conflict
               : status == 429 || status == 408 ? ErrorKind::transient
               : status >= 500 && status != 501 ? ErrorKind::transient
                                                : ErrorKind::invalid_argument;
  if (error.message.empty()) error.message = fmt::format("the server answered {}", status);
  if (!error.code.empty()) error.message = fmt::format("{} ({})", error.message, error.code);
  return error;
}

}  // namespace s3link::app
