#include "adapters/sqlite_store/body_set.hpp"

#include <utility>

namespace s3link::sqlite_store {

OpenBodySets::Shared OpenBodySets::find(std::int64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = sets_.find(number);
  return found == sets_.end() ? nullptr : found->second.lock();
}

OpenBodySets::Shared OpenBodySets::add(std::unique_ptr<BodySet> set) {
  const std::int64_t number = set->number;
  const Shared added(set.release(), [this](const BodySet* gone) {
    const std::int64_t its_number = gone->number;
    delete gone;
    release(its_number);
  });
  Shared first;
  {
    const std::lock_guard lock(mutex_);
    auto& slot = sets_[number];
    first = slot.lock();
    if (!first) slot = added;
  }
  return first ? first : added;  // outside the lock: releasing the loser takes it
}

bool OpenBodySets::in_use(std::int64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = sets_.find(number);
  if (found == sets_.end() || found->second.expired()) return false;
  awaited_ = true;
  return true;
}

void OpenBodySets::release(std::int64_t number) {
  bool tell = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sets_.find(number);
    if (found != sets_.end() && found->second.expired()) sets_.erase(found);
    tell = std::exchange(awaited_, false);
  }
  if (tell && released_) released_();
}

}  // namespace s3link::sqlite_store
