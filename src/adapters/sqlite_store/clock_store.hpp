#pragma once

#include "adapters/sqlite_store/bucket_store.hpp"
#include "ports/clock_store.hpp"

namespace s3link::sqlite_store {

/// ports::ClockStore over the row `clock` of the table `meta`.
class SqliteClockStore final : public ports::ClockStore {
 public:
  explicit SqliteClockStore(StoreContext& context) : context_(context) {}

  Awaitable<Result<std::optional<delivery::ClockRecord>>> load() override;
  Awaitable<Status> save(delivery::ClockRecord record) override;

 private:
  StoreContext& context_;
};

}  // namespace s3link::sqlite_store
