#include "services/server/failures.hpp"

#include <optional>
#include <string>
#include <utility>

#include "core/page/accept.hpp"
#include "core/page/link_trouble.hpp"
#include "core/page/recipient_page.hpp"
#include "core/s3/error_code.hpp"
#include "core/s3/operation.hpp"

namespace s3link::server {
namespace {

bool is_reader(const Backend& backend, const Exchange& exchange, unsigned status) {
  const ports::HttpRequestHead& request = exchange.request();
  if (request.method != "GET" && !exchange.is_head()) return false;
  if (ports::find_field(request.fields, "Authorization") != nullptr) return false;
  const std::string* const accept = ports::find_field(request.fields, "Accept");
  if (accept == nullptr || !page::prefers_html(*accept)) return false;
  // A link that is right, and a condition or a range that is not: that is between the programs.
  if (exchange.verified.presigned && status < 500 && status != 404) return false;
  const bool host_is_bucket = !s3::bucket_of_host(request.fields, backend.settings.domain).empty();
  if (!host_is_bucket && request.target.starts_with("/_/")) return false;
  return page::may_be_link(request.target, host_is_bucket);
}

Language language_for(const Backend& backend, const Exchange& exchange) {
  const std::string* const field = ports::find_field(exchange.request().fields, "Accept-Language");
  const auto preferred = field == nullptr ? std::nullopt : page::preferred_language(*field);
  return preferred.value_or(backend.settings.language);
}

ports::HttpFields page_fields(Language language) {
  return {{"Content-Type", "text/html; charset=utf-8"},
          {"Content-Language", std::string(to_string(language))},
          {"Cache-Control", "no-store"},
          {"Vary", "Accept, Accept-Language"},
          {"Content-Security-Policy", page::recipient_page_policy()},
          {"Referrer-Policy", "no-referrer"},
          {"X-Robots-Tag", "noindex, nofollow"}};
}

}  // namespace

Awaitable<Status> answer_failure(const Backend& backend, Exchange& exchange, Error error) {
  const auto told = s3::to_answer(error);
  if (!is_reader(backend, exchange, told.status)) {
    co_return co_await exchange.answer_error(std::move(error), backend.settings.region);
  }
  exchange.record().error_code = told.code;
  const auto trouble = page::trouble_of(exchange.request().target, told, exchange.now());
  const Language language = language_for(backend, exchange);
  auto fields = page_fields(language);
  if (told.status == 503) fields.emplace_back("Retry-After", "1");
  co_return co_await exchange.answer(told.status, std::move(fields),
                                     page::recipient_page(trouble, language, backend.settings.contact));
}

}  // namespace s3link::server
