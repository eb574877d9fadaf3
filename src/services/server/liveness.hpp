#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace s3link::server {

/// Whether the parts of the service still work: each is asked again and again, and has from one look to the next to
/// answer. Thread safety: look() one call at a time; state() any number.
class Liveness {
 public:
  using Answer = std::function<void(Status)>;
  struct Part {
    std::string name;
    /// Has the part do a little real work and then call the function, once, from any thread: with an error where only
    /// a restart helps. Must return at once. What the part never calls is no leak, and no harm when it comes late.
    std::function<void(Answer)> ask;
  };

  Liveness() = default;
  Liveness(const Liveness&) = delete;
  Liveness& operator=(const Liveness&) = delete;
  ~Liveness();

  /// Before the first look.
  void add(Part part);
  /// Judges by what came in since the look before, and asks every part that owes no answer. Error (internal): names
  /// the parts that owe one, or answered with an error. The first look finds nothing.
  Status look();
  /// What the latest look found.
  Status state() const;

 private:
  struct Asked;
  std::vector<std::shared_ptr<Asked>> parts_;
  mutable std::mutex mutex_;
  Status state_;  // guarded by mutex_
};

}  // namespace s3link::server
