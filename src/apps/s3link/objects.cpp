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

void print_row(const ListedObject& object, Instant now) {
  fmt::print("{:>10}  {:>8}  {:<23}  {}\n", size_in_words(object.size_bytes), duration_in_words(now - object.modified),
             object.removed_at ? instant_in_words(*object.removed_at) : "never", printable(object.key));
}

/// Page by page, so that a long list costs no memory; JSON is written as it comes, too.
Awaitable<int> list_all(Session& session, const ListOptions& options) {
  const std::string bucket = session.settings.bucket.name.text();
  std::string next;
  bool first = true, first_page = true;
  do {
    ApiRequest request{.path = "/_/api/v1/objects", .query = {{"bucket", bucket}}};
    if (!options.prefix.empty()) request.query.emplace_back("prefix", options.prefix);
    if (!next.empty()) request.query.emplace_back("after", next);
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
      if (options.json) {
        const boost::json::object row{{"key", object.key},
                                      {"size_bytes", object.size_bytes},
                                      {"etag", object.etag},
                                      {"modified", iso8601(object.modified)},
                                      {"removed_at", object.removed_at ? boost::json::value(iso8601(*object.removed_at))
                                                                       : boost::json::value(nullptr)}};
        fmt::print("{}{}", first ? "" : ",", boost::json::serialize(row));
      } else {
        print_row(object, session.clock.now());
      }
      first = false;
    }
    next = page->next;
  } while (!next.empty());
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
