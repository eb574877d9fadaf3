#include "adapters/sqlite_store/listing.hpp"

#include <algorithm>
#include <utility>

#include "adapters/sqlite_store/headers_json.hpp"
#include "adapters/sqlite_store/sealed_rows.hpp"
#include "core/event/event_record.hpp"

namespace s3link::sqlite_store {
namespace {

constexpr std::size_t kMostEntries = 1000;
/// Reading on costs less than starting a query, up to about this many keys under one common prefix.
constexpr int kRunBeforeSeek = 24;

/// Where a listing goes on: at `from`, or behind it.
struct Position {
  std::string from;
  bool inclusive = false;
};

Position start_of(std::string_view prefix, std::string_view delimiter, const std::string& start_after) {
  const std::string_view common =
      start_after.starts_with(prefix) ? common_prefix_of(start_after, prefix, delimiter) : std::string_view();
  if (!common.empty() && common.size() == start_after.size())
    return {.from = end_of_prefix(start_after), .inclusive = true};
  if (start_after < prefix) return {.from = std::string(prefix), .inclusive = true};
  return {.from = start_after, .inclusive = false};
}

/// Collects entries until the page is full. Says what to do with each key.
class PageBuilder {
 public:
  PageBuilder(std::string prefix, std::string delimiter, std::size_t most)
      : prefix_(std::move(prefix)), delimiter_(std::move(delimiter)), most_(std::min(most, kMostEntries)) {}

  enum class Verdict { entry, rolled_up, seek_behind_prefix, full };

  Verdict see(std::string_view key) {
    const std::string_view common = common_prefix_of(key, prefix_, delimiter_);
    if (!common.empty() && common == last_common_)
      return ++run_ > kRunBeforeSeek ? Verdict::seek_behind_prefix : Verdict::rolled_up;
    if (entries_ == most_) return Verdict::full;
    ++entries_;
    run_ = 0;
    last_common_ = common;
    return common.empty() ? Verdict::entry : Verdict::rolled_up;
  }
  /// After rolled_up: whether see() has just met the common prefix for the first time.
  bool new_prefix() const noexcept { return run_ == 0 && !last_common_.empty(); }
  const std::string& last_common() const noexcept { return last_common_; }

 private:
  const std::string prefix_;
  const std::string delimiter_;
  const std::size_t most_;
  std::size_t entries_ = 0;
  std::string last_common_;
  int run_ = 0;
};

ports::ObjectInfo read_entry(const Query& row, const s3::BucketName& bucket, s3::ObjectKey key) {
  return {.bucket = bucket,
          .key = std::move(key),
          .size_bytes = row.count(4),
          .etag = row.text(5),
          .modified = row.instant(6),
          .removed_at = row.maybe_instant(7),
          .removal_rule = {},
          .sequencer = event::sequencer_of(row.count(2)),
          .headers = {},
          .checksum = std::nullopt,
          .sha256 = std::nullopt,
          .part_sizes = {}};
}

}  // namespace

std::string end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (end.empty()) return "\xff";
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

std::string_view common_prefix_of(std::string_view key, std::string_view prefix, std::string_view delimiter) {
  if (delimiter.empty() || key.size() < prefix.size()) return {};
  const auto at = key.find(delimiter, prefix.size());
  return at == std::string_view::npos ? std::string_view() : key.substr(0, at + delimiter.size());
}

Result<ports::ListPage> list_objects(Connection& db, std::int64_t bucket, const ports::ListRequest& request,
                                     Instant now) {
  ports::ListPage page;
  if (request.max_entries == 0) return page;
  using Verdict = PageBuilder::Verdict;
  PageBuilder builder(request.prefix, request.delimiter, request.max_entries);
  Position position = start_of(request.prefix, request.delimiter, request.start_after);
  const std::string end = end_of_prefix(request.prefix);

  for (bool again = true; std::exchange(again, false);) {
    Query rows = db.query(sql<"SELECT ", kObjectColumns, ", seal IS row_seal('object', ?6, ", kObjectColumns,
                              ") FROM objects WHERE bucket=?1 AND key>=?2 AND key<?3 AND (?4 OR key<>?2)"
                              " AND (removed_at_ms IS NULL OR removed_at_ms>?5) ORDER BY key">(),
                          bucket, Blob{position.from}, Blob{end}, position.inclusive, now, request.bucket.text());
    while (!again && rows.next()) {
      if (rows.integer(15) == 0) return damaged_row("the object " + request.bucket.text() + "/" + rows.text(1));
      switch (builder.see(rows.bytes(1))) {
        case Verdict::entry:
          if (auto key = s3::ObjectKey::parse(rows.bytes(1))) {
            page.last = key->text();
            page.objects.push_back(read_entry(rows, request.bucket, std::move(*key)));
          }
          break;
        case Verdict::rolled_up:
          if (builder.new_prefix()) {
            page.last = builder.last_common();
            page.common_prefixes.push_back(page.last);
          }
          break;
        case Verdict::seek_behind_prefix:
          position = {.from = end_of_prefix(builder.last_common()), .inclusive = true};
          again = true;
          break;
        case Verdict::full:
          page.truncated = true;
          return page;
      }
    }
  }
  return page;
}

Result<ports::UploadsPage> list_uploads(Connection& db, std::int64_t bucket, const ports::ListUploadsRequest& request) {
  ports::UploadsPage page;
  if (request.max_uploads == 0) return page;
  using Verdict = PageBuilder::Verdict;
  PageBuilder builder(request.prefix, request.delimiter, request.max_uploads);
  Position position = start_of(request.prefix, request.delimiter, request.key_marker);
  const std::string end = end_of_prefix(request.prefix);
  // A key may have several uploads: with an upload id marker those behind it belong to the page, too.
  std::string upload_id = request.upload_id_marker;
  if (position.inclusive || position.from != request.key_marker) upload_id.clear();

  for (bool again = true; std::exchange(again, false);) {
    const bool within_key = !position.inclusive && !upload_id.empty();
    Query rows = db.query(
        sql<"SELECT key, upload_id, initiated_ms, headers, checksum_algorithm, checksum_composite,"
            " seal IS row_seal('upload', ?7, ",
            kUploadColumns,
            ") FROM uploads WHERE bucket=?1 AND key>=?2 AND key<?3 AND (?4 OR key<>?2 OR (?5 AND upload_id>?6))"
            " ORDER BY key, upload_id">(),
        bucket, Blob{position.from}, Blob{end}, position.inclusive, within_key, upload_id, request.bucket.text());
    while (!again && rows.next()) {
      if (rows.integer(6) == 0) return damaged_row("the upload " + rows.text(1) + " of " + rows.text(0));
      switch (builder.see(rows.bytes(0))) {
        case Verdict::entry:
          if (auto key = s3::ObjectKey::parse(rows.bytes(0))) {
            page.uploads.push_back({.upload_id = rows.text(1),
                                    .key = std::move(*key),
                                    .initiated = rows.instant(2),
                                    .headers = headers_from_json(rows.bytes(3)),
                                    .checksum_algorithm = rows.text(4),
                                    .checksum_composite = rows.integer(5) != 0});
          }
          break;
        case Verdict::rolled_up:
          if (builder.new_prefix()) page.common_prefixes.push_back(builder.last_common());
          break;
        case Verdict::seek_behind_prefix:
          position = {.from = end_of_prefix(builder.last_common()), .inclusive = true};
          again = true;
          break;
        case Verdict::full:
          page.truncated = true;
          return page;
      }
    }
  }
  return page;
}

}  // namespace s3link::sqlite_store
