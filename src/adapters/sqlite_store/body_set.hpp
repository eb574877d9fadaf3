#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "adapters/sqlite_store/package_cipher.hpp"

namespace s3link::sqlite_store {

/// A row of `bodies`, with what it needs to be read after the row is gone.
struct StoredBody {
  BodyId id{};
  std::uint64_t start = 0;  ///< where it begins in the object
  std::uint64_t size_bytes = 0;
  std::string wrapped_key;
  bool in_file = false;
  std::string sealed;  ///< the package of a small body
};

/// The bodies of one object, in order.
struct BodySet {
  std::int64_t number = 0;
  std::uint64_t size_bytes = 0;
  std::vector<StoredBody> bodies;
};

/// The body sets that are being read. Their files are not unlinked, so a reader that has a set can read all of it, and
/// readers of the same object share one list. Thread safety: any number of calls at a time.
class OpenBodySets {
 public:
  using Shared = std::shared_ptr<const BodySet>;

  /// Null when nobody reads it.
  Shared find(std::int64_t number);
  /// The shared one when another reader was first.
  Shared add(std::unique_ptr<BodySet> set);
  bool in_use(std::int64_t number);

  /// Called, from any thread, when a set in_use() has answered for is released. Set once, before use.
  void on_release(std::function<void()> released) { released_ = std::move(released); }

 private:
  void release(std::int64_t number);

  std::mutex mutex_;
  std::map<std::int64_t, std::weak_ptr<const BodySet>> sets_;
  bool awaited_ = false;
  std::function<void()> released_;
};

}  // namespace s3link::sqlite_store
