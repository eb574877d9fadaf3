#include "services/link/link_generator.hpp"

#include <algorithm>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/s3/content_disposition.hpp"
#include "core/sigv4/presign.hpp"

namespace s3link::link {
namespace {

// Mail programs, gateways that rewrite links, and browsers' address bars stop at 2,048. The name to save under is cut
// for it; a key that is too long by itself makes a longer link all the same.
constexpr std::size_t kMaxUrlBytes = 2047;

}  // namespace

LinkSettings s3_links(std::string region, std::string endpoint, std::chrono::seconds expiration) {
  LinkSettings out{.public_url = std::move(endpoint), .region = {}, .expiration = expiration};
  if (out.public_url.empty()) {
    out.public_url = "https://s3." + region + (region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
    out.addressing = Addressing::virtual_hosted;
  }
  out.region = std::move(region);
  return out;
}

LinkGenerator::LinkGenerator(LinkSettings settings, const sigv4::KeyRing& keys)
    : settings_(std::move(settings)), keys_(keys) {}

LinkGenerator::LinkGenerator(LinkSettings settings, const sigv4::Credentials& credentials)
    : settings_(std::move(settings)), own_(std::make_unique<const sigv4::KeyRing>(credentials.clone())), keys_(*own_) {}

Result<Link> LinkGenerator::make(const s3::BucketName& bucket, const s3::ObjectKey& key,
                                 std::optional<Instant> removed_at, Instant now) const {
  // The signature counts in whole seconds from its date, so the deadline is exactly when the server refuses the link.
  const auto signed_at = std::chrono::floor<std::chrono::seconds>(now);
  auto life = std::min(settings_.expiration, sigv4::ExpiresIn::kMax);
  if (removed_at) life = std::min(life, std::chrono::floor<std::chrono::seconds>(*removed_at) - signed_at);
  if (life < std::chrono::seconds(1)) {
    return fail(ErrorKind::not_found, "the object is removed before a link to it could be used");
  }
  const auto expires = sigv4::ExpiresIn::from(life);
  if (!expires) return std::unexpected(expires.error());

  sigv4::PresignRequest request;
  if (settings_.addressing == Addressing::virtual_hosted && !bucket.text().contains('.')) {
    request.base_url.reserve(settings_.public_url.size() + bucket.text().size() + 1);
    request.base_url = settings_.public_url;
    request.base_url.insert(settings_.public_url.find("://") + 3, bucket.text() + ".");
    request.path = "/" + key.text();
  } else {
    request.base_url = settings_.public_url;
    request.path = "/" + bucket.text() + "/" + key.text();
  }
  const auto signer = keys_.current();
  const auto sign = [&] {
    return sigv4::presign(request, signer->credentials, signer->signing_keys, settings_.region, *expires, signed_at);
  };
  const std::string name = s3::file_name_of(key.text());
  request.query.emplace_back("response-content-disposition", s3::attachment_disposition(name));
  Secret url = sign();
  if (const std::size_t size = url.reveal().size(); size > kMaxUrlBytes) {
    std::string& disposition = request.query.back().second;
    const std::size_t encoded = uri_encode(disposition).size();
    const std::size_t rest = size - encoded;
    disposition = s3::attachment_disposition(name, kMaxUrlBytes > rest ? kMaxUrlBytes - rest : 0);
    url = sign();
  }
  return Link{std::move(url), signed_at + life};
}

}  // namespace s3link::link
