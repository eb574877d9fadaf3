#pragma once

#include "adapters/sqlite_store/bucket_store.hpp"
#include "ports/delivery_log.hpp"

namespace s3link::sqlite_store {

/// ports::DeliveryLog over the tables `outbox`, `ledger`, `dead_letters` and `dropped`.
class SqliteDeliveryLog final : public ports::DeliveryLog {
 public:
  explicit SqliteDeliveryLog(StoreContext& context) : context_(context) {}

  Awaitable<Result<std::vector<ports::DeliveryRow>>> list(ports::DeliveryFilter filter) override;

 private:
  StoreContext& context_;
};

}  // namespace s3link::sqlite_store
