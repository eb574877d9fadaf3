#include "adapters/sqlite_store/backup_database.hpp"

#include <sqlite3.h>

#include <memory>
#include <string>

#include "adapters/sqlite_store/connection.hpp"

namespace s3link::sqlite_store {
namespace {

constexpr int kPagesAtATime = 2048;  // 8 MiB

struct CloseHandle {
  void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
};
struct FinishBackup {
  void operator()(sqlite3_backup* backup) const noexcept { sqlite3_backup_finish(backup); }
};

std::unexpected<Error> failure_of(sqlite3* handle, int code) {
  const auto kind = is_disk_full(code) ? ErrorKind::transient : ErrorKind::internal;
  return fail(kind, std::string("the database could not be copied: ") +
                        (handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code)));
}

}  // namespace

Status copy_database(const std::filesystem::path& from, const std::filesystem::path& to,
                     const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) {
  auto source = Connection::open(from, Connection::Mode::reader, nullptr);
  if (!source) return std::unexpected(source.error());
  // Holding one read transaction, so that the copy does not begin anew whenever somebody commits.
  (*source)->script("BEGIN");
  {
    Query first_read = (*source)->query("SELECT count(*) FROM sqlite_schema");
    first_read.next();
  }
  if (!(*source)->ok()) return std::unexpected((*source)->error());

  sqlite3* raw = nullptr;
  const int opened =
      sqlite3_open_v2(to.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  const std::unique_ptr<sqlite3, CloseHandle> target(raw);
  if (opened != SQLITE_OK) return failure_of(raw, opened);
  int code = sqlite3_exec(raw, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure_of(raw, code);
  {
    const std::unique_ptr<sqlite3_backup, FinishBackup> copy(
        sqlite3_backup_init(raw, "main", (*source)->handle(), "main"));
    if (!copy) return failure_of(raw, sqlite3_extended_errcode(raw));
    do {
      code = sqlite3_backup_step(copy.get(), kPagesAtATime);
      const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(copy.get()));
      if (progress) progress(total - static_cast<std::uint64_t>(sqlite3_backup_remaining(copy.get())), total);
    } while (code == SQLITE_OK);
    if (code != SQLITE_DONE) return failure_of(nullptr, code);
  }
  // Out of the mode in which the server keeps it: one file, which a medium that cannot be written to may hold, too.
  code = sqlite3_exec(raw, "PRAGMA journal_mode=DELETE", nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure_of(raw, code);
  return {};
}

}  // namespace s3link::sqlite_store
