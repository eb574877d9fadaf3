#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/s3/names.hpp"
#include "core/sigv4/credentials.hpp"
#include "core/sigv4/key_ring.hpp"

namespace s3link::link {

/// Where a link names the bucket.
enum class Addressing {
  path,            ///< https://HOST/BUCKET/KEY
  virtual_hosted,  ///< https://BUCKET.HOST/KEY; path for a name with dots, which no TLS wildcard covers
};

struct LinkSettings {
  std::string public_url;             ///< "https://files.example.org[:port]": what links start with
  std::string region;                 ///< of the credential scope
  std::chrono::seconds expiration{};  ///< asked for: 1 s to 7 days
  Addressing addressing = Addressing::path;
};

/// Links to a bucket that Amazon S3 keeps in `region`, by its regional host: the global one answers with a redirect for
/// hours after a bucket was made, and a redirect breaks a signature. `endpoint` ("https://host[:port]") where S3 is
/// somewhere else, else empty. Source: AWS General Reference, "Amazon S3 endpoints and quotas"; Amazon S3 User Guide,
/// "Virtual hosting of general purpose buckets".
LinkSettings s3_links(std::string region, std::string endpoint, std::chrono::seconds expiration);

/// A presigned GET and the moment from which it answers 403 or 404.
struct Link {
  Secret url;
  Instant deadline;  ///< whole seconds
};

/// Makes the links that are mailed: presigned GETs that download under the file's own name.
/// Thread safety: any number of calls at a time.
class LinkGenerator {
 public:
  /// Signs with the key in force at the time. The ring must outlive it.
  LinkGenerator(LinkSettings settings, const sigv4::KeyRing& keys);
  /// Of one key pair that never changes.
  LinkGenerator(LinkSettings settings, const sigv4::Credentials& credentials);

  /// Valid from `now` until min(now + expiration, now + 7 days, removed_at), cut to whole seconds as X-Amz-Date is
  /// (promise P4). Errors: not_found (the object is removed in less than a second).
  Result<Link> make(const s3::BucketName& bucket, const s3::ObjectKey& key, std::optional<Instant> removed_at,
                    Instant now) const;

 private:
  LinkSettings settings_;
  std::unique_ptr<const sigv4::KeyRing> own_;  // null: another's
  const sigv4::KeyRing& keys_;
};

}  // namespace s3link::link
