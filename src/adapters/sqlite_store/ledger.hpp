#pragma once

#include "adapters/sqlite_store/bucket_store.hpp"
#include "ports/ledger.hpp"

namespace s3link::sqlite_store {

/// ports::Ledger over the table `ledger`.
class SqliteLedger final : public ports::Ledger {
 public:
  explicit SqliteLedger(StoreContext& context) : context_(context) {}

  Awaitable<Result<bool>> contains(ports::LedgerKey key) override;
  Awaitable<Result<std::optional<Instant>>> sent_before(ports::LedgerKey key, std::size_t more) override;
  Awaitable<Status> record_sent(ports::LedgerEntry entry) override;

 private:
  StoreContext& context_;
};

}  // namespace s3link::sqlite_store
