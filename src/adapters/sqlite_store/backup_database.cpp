#include "adapters/sqlite_store/backup_database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include "adapters/sqlite_store/backup_file.hpp"
#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/descriptor.hpp"
#include "adapters/sqlite_store/path_error.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

constexpr int kPagesAtATime = 512;  // 2 MiB
constexpr std::uint64_t kPageBytes = 4096;

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

/// Calls `opened` when `to` is open. The read transaction lasts until this returns.
Status copy_pages(const DatabaseCopy& copy, const fs::path& to, const BackupLock& lock,
                  const std::function<void()>& opened) {
  const BackupLock::Reading reading(lock);
  auto source = Connection::open(copy.from, Connection::Mode::reader, nullptr);
  if (!source) return std::unexpected(source.error());
  // Holding one read transaction, so that the copy does not begin anew whenever somebody commits.
  (*source)->script("BEGIN");
  {
    Query first_read = (*source)->query("SELECT count(*) FROM sqlite_schema");
    first_read.next();
  }
  if (!(*source)->ok()) return std::unexpected((*source)->error());

  sqlite3* raw = nullptr;
  const int failure =
      sqlite3_open_v2(to.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  const std::unique_ptr<sqlite3, CloseHandle> target(raw);
  if (failure != SQLITE_OK) return failure_of(raw, failure);
  opened();
  int code = sqlite3_exec(raw, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure_of(raw, code);
  const std::unique_ptr<sqlite3_backup, FinishBackup> pages(
      sqlite3_backup_init(raw, "main", (*source)->handle(), "main"));
  if (!pages) return failure_of(raw, sqlite3_extended_errcode(raw));
  do {
    code = sqlite3_backup_step(pages.get(), kPagesAtATime);
    const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(pages.get()));
    const auto left = static_cast<std::uint64_t>(sqlite3_backup_remaining(pages.get()));
    if (const Status goes_on = copy.went_on(total - left, total); !goes_on) return goes_on;
  } while (code == SQLITE_OK);
  if (code != SQLITE_DONE) return failure_of(nullptr, code);
  return {};
}

/// Out of the mode in which the server keeps it: one file, which a medium that cannot be written to may hold, too.
/// Source: SQLite, "Database File Format", 1.3.1: file format write and read version, 1 is legacy, 2 is WAL.
Status leave_log_mode(const fs::path& file) {
  constexpr off_t kVersionsAt = 18;
  constexpr std::array<char, 2> kLegacy{1, 1};
  const Descriptor database(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (database.get() < 0 || ::pwrite(database.get(), kLegacy.data(), kLegacy.size(), kVersionsAt) != kLegacy.size())
    return path_error("cannot write", file, errno);
  return {};
}

/// The file beside the database has a name until SQLite has it open: however this process ends, none is left.
Status copy_staged(const DatabaseCopy& copy, const BackupLock& lock) {
  std::string name = copy.from.string() + ".backup-XXXXXX";
  const Descriptor staged(::mkostemp(name.data(), O_CLOEXEC));
  if (staged.get() < 0) return path_error("cannot make", name, errno);
  const Status read = copy_pages(copy, name, lock, [&] { ::unlink(name.c_str()); });
  if (!read) {
    ::unlink(name.c_str());  // where it could not be opened
    return read;
  }
  const off_t bytes = ::lseek(staged.get(), 0, SEEK_END);
  if (bytes < 0) return path_error("cannot read", name, errno);
  const auto total = static_cast<std::uint64_t>(bytes) / kPageBytes;
  const auto copied = copy_file(staged.get(), name, copy.to,
                                [&](std::uint64_t done) { return copy.went_on(done / kPageBytes, total); });
  if (!copied) return std::unexpected(copied.error());
  return {};
}

}  // namespace

Status copy_database(const DatabaseCopy& copy, const BackupLock& lock) {
  const Status copied = copy.staged ? copy_staged(copy, lock) : copy_pages(copy, copy.to, lock, [] {});
  if (!copied) return copied;
  return leave_log_mode(copy.to);
}

}  // namespace s3link::sqlite_store
