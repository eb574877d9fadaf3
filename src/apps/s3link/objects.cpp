#include "apps/s3link/objects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/object_page.hpp"
#include "apps/s3link/session.hpp"
#include "apps/s3link/wording.hpp"

namespace s3link::app {
namespace {

void print_row(const ListedObject& object, Instant now, Instant removed_at) {
  fmt::print("{:>10}  {:>8}  {}  {}\n", size_in_words(object.size_bytes), duration_in_words(now - object.modified),
             instant_in_words(removed_at), printable(object.key));
}

/// Page by page, so that a long list costs no memory; JSON is written as it comes, too.
Awaitable<int> list_all(Session& session, const ListOptions& options) {
  const std::string bucket = session.settings.bucket.name.text();
  std::string token;
  bool first = true, first_page = true;
  do {
    ApiRequest request{.path = "/" + bucket, .query = {{"list-type", "2"}, {"encoding-type", "url"}}};
    if (!options.prefix.empty()) request.query.emplace_back("prefix", options.prefix);
    if (!token.empty()) request.query.emplace_back("continuation-token", token);
    const auto response = co_await session.api.call(std::move(request), true, first_page ? kOnce : kPatient);
    if (!response) co_return complain(kFailed, response.error().message);
    const auto page = parse_object_page(response->body);
    if (!page) co_return complain(kFailed, page.error().message);
    if (first_page && options.json) fmt::print("{{\"objects\":[");
    first_page = false;
    if (first && !options.json && !page->objects.empty()) {
      fmt::print("{:>10}  {:>8}  {:<23}  {}\n", "SIZE", "AGE", "REMOVED AT", "KEY");
    }
    for (const ListedObject& object : page->objects) {
      // The removal date follows from the configuration; the list of the S3 API has no place for it.
      const Instant removed_at = object.modified + session.settings.bucket.object_ttl;
      if (options.json) {
        const boost::json::object row{{"key", object.key},
                                      {"size_bytes", object.size_bytes},
                                      {"etag", object.etag},
                                      {"modified", iso8601(object.modified)},
                                      {"removed_at", iso8601(removed_at)}};
        fmt::print("{}{}", first ? "" : ",", boost::json::serialize(row));
      } else {
        print_row(object, session.clock.now(), removed_at);
      }
      first = false;
    }
    token = page->next_token;
  } while (!token.empty());
  if (options.json) fmt::print("]}}\n");
  co_return kDone;
}

Awaitable<int> remove_all(Session& session, const RemoveOptions& options) {
  const std::string bucket = session.settings.bucket.name.text();
  int status = kDone;
  bool first = true;
  for (const std::string& key : options.keys) {
    const std::string path = "/" + bucket + "/" + key;
    auto found = co_await session.api.call({.method = "HEAD", .path = path}, true, first ? kOnce : kPatient);
    first = false;
    if (found) found = co_await session.api.call({.method = "DELETE", .path = path}, true, kPatient);
    if (found) {
      fmt::print("removed {}\n", printable(key));
    } else if (found.error().kind == ErrorKind::not_found) {
      status = complain(kFailed, fmt::format("{}: there is no such object", printable(key)));
    } else {
      co_return complain(kFailed, found.error().message);
    }
  }
  co_return status;
}

}  // namespace

int list_objects(const ListOptions& options) {
  return run_session(options.client, [&](Session& session) { return list_all(session, options); });
}

int remove_objects(const RemoveOptions& options) {
  for (const std::string& key : options.keys) {
    if (const auto checked = s3::ObjectKey::parse(key); !checked) {
      return complain(kWrongUse, fmt::format("{}: not a key: {}", printable(key), checked.error().message));
    }
  }
  return run_session(options.client, [&](Session& session) { return remove_all(session, options); });
}

}  // namespace s3link::app
