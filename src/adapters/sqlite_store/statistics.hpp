#pragma once

#include "adapters/sqlite_store/bucket_store.hpp"
#include "ports/store_statistics.hpp"

namespace s3link::sqlite_store {

/// ports::StatisticsReader over the counters that triggers keep. Reads on the pool.
class SqliteStatistics final : public ports::StatisticsReader {
 public:
  explicit SqliteStatistics(StoreContext& context) : context_(context) {}

  Awaitable<Result<ports::StoreStatistics>> read_statistics(std::vector<s3::BucketName> buckets) override;

 private:
  StoreContext& context_;
};

}  // namespace s3link::sqlite_store
