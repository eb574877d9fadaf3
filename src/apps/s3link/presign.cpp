#include "apps/s3link/presign.hpp"

#include <fmt/format.h>

#include "adapters/system/system_clock.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/server_access.hpp"
#include "core/config/quantity.hpp"
#include "core/sigv4/presign.hpp"
#include "services/link/link_generator.hpp"

namespace s3link::app {

int presign(const PresignOptions& options) {
  auto loaded = load_sections(options.client.config, {"server", "auth", "bucket", "link"});
  if (!loaded) return report_problems(loaded.error());
  const config::Settings& settings = loaded->settings;
  const auto key = s3::ObjectKey::parse(options.key);
  if (!key) return complain(kWrongUse, fmt::format("not a key: {}", key.error().message));
  auto seconds = settings.link.expiration;
  if (!options.expires.empty()) {
    const auto parsed = config::parse_duration(options.expires);
    if (!parsed) return complain(kWrongUse, fmt::format("--expires: {}", parsed.error().message));
    seconds = *parsed;
  }
  const auto expires = sigv4::ExpiresIn::from(seconds);
  if (!expires) return complain(kWrongUse, "--expires: outside 1s to 7d, which is what a presigned URL can last");

  const auto access = find_server(*loaded, options.client.endpoint);
  if (!access) return complain_of_access(access.error());
  const Instant now = system::SystemClock().now();
  if (options.method == "PUT") {
    const Secret url = sigv4::presign({.method = "PUT",
                                       .base_url = access->public_url,
                                       .path = fmt::format("/{}/{}", settings.bucket.name.text(), key->text()),
                                       .query = {}},
                                      access->credentials, access->region, *expires, now);
    fmt::print("{}\n", url.reveal());
    return kDone;
  }
  // As the mailed links: they download under the file's own name.
  const link::LinkGenerator links(
      {.public_url = access->public_url, .region = access->region, .expiration = expires->value()},
      access->credentials);
  const auto made = links.make(settings.bucket.name, *key, std::nullopt, now);
  if (!made) return complain(kFailed, made.error().message);
  fmt::print("{}\n", made->url.reveal());
  return kDone;
}

}  // namespace s3link::app
