#pragma once

#include "adapters/sqlite_store/bucket_store.hpp"
#include "ports/access_log_journal.hpp"

namespace s3link::sqlite_store {

/// ports::AccessLogJournal over the table `access_log_journal`.
class SqliteAccessLogJournal final : public ports::AccessLogJournal {
 public:
  explicit SqliteAccessLogJournal(StoreContext& context) : context_(context) {}

  Awaitable<Result<Waiting>> waiting() override;
  Awaitable<Status> append(ports::AccessLogLines lines, Instant now) override;
  Awaitable<Result<Published>> publish(Target target, Instant now, std::uint64_t max_lines,
                                       std::uint64_t max_bytes) override;

 private:
  StoreContext& context_;
};

}  // namespace s3link::sqlite_store
