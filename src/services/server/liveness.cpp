#include "services/server/liveness.hpp"

#include <utility>

namespace s3link::server {

/// Shared with the answer, which may come after the Liveness is gone.
struct Liveness::Asked {
  explicit Asked(Part asked) : part(std::move(asked)) {}

  /// Why it does not work; empty: it does.
  std::string objection() {
    const std::scoped_lock lock(mutex);
    if (owes) return part.name + " does not answer";
    return answer ? std::string() : part.name + ": " + answer.error().message;
  }
  /// Whether it may be asked; it then owes an answer.
  bool begin() {
    const std::scoped_lock lock(mutex);
    return !std::exchange(owes, true);
  }
  void end(Status given) {
    const std::scoped_lock lock(mutex);
    owes = false;
    answer = std::move(given);
  }

  const Part part;
  std::mutex mutex;
  bool owes = false;
  Status answer;
};

Liveness::~Liveness() = default;

void Liveness::add(Part part) { parts_.push_back(std::make_shared<Asked>(std::move(part))); }

Status Liveness::look() {
  std::string objections;
  for (const auto& part : parts_) {
    const std::string objection = part->objection();
    if (!objection.empty()) objections += (objections.empty() ? "" : "; ") + objection;
    // One that owes an answer is not asked again: questions would pile up in front of it.
    if (part->begin()) part->part.ask([part](Status answer) { part->end(std::move(answer)); });
  }
  Status found;
  if (!objections.empty()) found = fail(ErrorKind::internal, std::move(objections));
  const std::scoped_lock lock(mutex_);
  state_ = found;
  return found;
}

Status Liveness::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

}  // namespace s3link::server
