#include "adapters/sqlite_store/connection.hpp"

#include <sqlite3.h>

#include <cassert>
#include <utility>

namespace s3link::sqlite_store {
namespace {

// Writers keep 8 MiB of pages, readers 2 MiB (negative: KiB). mmap stays off so that memory is what these say, and an
// I/O error is a result code instead of a signal. A damaged page is noticed when it is read (cell_size_check), as far
// as its form shows it.
constexpr const char* kWriterPragmas =
    "PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-8192;"
    "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA cell_size_check=ON;";
constexpr const char* kReaderPragmas =
    "PRAGMA query_only=ON; PRAGMA cache_size=-2048; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;"
    "PRAGMA cell_size_check=ON;";

/// Of SQLite's machine, between two looks at the clock: less than a millisecond.
constexpr int kStepsBetweenLooks = 10'000;

int primary(int code) noexcept { return code & 0xff; }

/// SQLite counts what it has allocated, which nobody asks for, under one lock: the threads would wait for each other at
/// nearly every step of every statement. Refused, without harm, where somebody has used SQLite before.
void count_no_memory() noexcept { [[maybe_unused]] static const int set = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

}  // namespace

bool is_disk_full(int code) noexcept { return primary(code) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE; }
bool is_failed_sync(int code) noexcept { return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC; }
bool is_damaged(int code) noexcept { return primary(code) == SQLITE_CORRUPT; }
bool is_damaged_index(int code) noexcept { return code == SQLITE_CORRUPT_INDEX; }
bool is_busy(int code) noexcept { return primary(code) == SQLITE_BUSY || primary(code) == SQLITE_LOCKED; }

Query::Query(Query&& other) noexcept
    : connection_(other.connection_), statement_(std::exchange(other.statement_, nullptr)) {}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

bool Query::next() {
  if (statement_ == nullptr || !connection_->ok()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) connection_->fail_with(code);
  return false;
}

bool Query::null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::optional<Instant> Query::maybe_instant(int column) const {
  if (null(column)) return std::nullopt;
  return instant(column);
}

std::string_view Query::bytes(int column) const {
  const void* const data = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(data), size);
}

void Query::bind(int index, std::int64_t value) {
  if (statement_ == nullptr) return;
  if (const int code = sqlite3_bind_int64(statement_, index, value); code != SQLITE_OK) connection_->fail_with(code);
}

void Query::bind(int index, std::string_view text) {
  if (statement_ == nullptr) return;
  const int code = sqlite3_bind_text64(statement_, index, text.empty() ? "" : text.data(), text.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) connection_->fail_with(code);
}

void Query::bind(int index, Blob blob) {
  if (statement_ == nullptr) return;
  const auto bytes = blob.bytes;
  const int code =
      sqlite3_bind_blob64(statement_, index, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  if (code != SQLITE_OK) connection_->fail_with(code);
}

void Query::bind(int index, std::nullopt_t) {
  if (statement_ == nullptr) return;
  if (const int code = sqlite3_bind_null(statement_, index); code != SQLITE_OK) connection_->fail_with(code);
}

void Connection::Close::operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
void Connection::Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& file, Mode mode, const char* vfs) {
  count_no_memory();
  sqlite3* raw = nullptr;
  const int access = mode == Mode::writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  const int opened = sqlite3_open_v2(file.c_str(), &raw, access | SQLITE_OPEN_NOMUTEX, vfs);
  std::unique_ptr<Connection> connection(new Connection(raw));
  if (raw == nullptr) return fail(ErrorKind::internal, "no memory to open " + file.string());
  if (opened != SQLITE_OK) {
    connection->fail_with(opened);
    return std::unexpected(connection->error());
  }
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, static_cast<int>(kBusyTimeout.count()));
  connection->script(mode == Mode::writer ? kWriterPragmas : kReaderPragmas);
  if (!connection->ok()) return std::unexpected(connection->error());
  return connection;
}

Connection::~Connection() { statements_.clear(); }

sqlite3_stmt* Connection::prepare(const char* sql) {
  if (!ok()) return nullptr;
  auto& slot = statements_[sql];
  if (!slot) {
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v3(handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    slot.reset(raw);
    if (code != SQLITE_OK) {
      fail_with(code);
      statements_.erase(sql);
      return nullptr;
    }
  }
  assert(sqlite3_stmt_busy(slot.get()) == 0);  // one run of a statement at a time
  return slot.get();
}

void Connection::script(const char* sql) {
  if (!ok()) return;
  const int code = sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail_with(code);
}

void Connection::add_function(const char* name, void (*call)(sqlite3_context*, int, sqlite3_value**), void* data) {
  if (!ok()) return;
  const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
  const int code = sqlite3_create_function_v2(handle(), name, -1, flags, data, call, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail_with(code);
}

void Connection::limit_time(std::chrono::steady_clock::time_point end) {
  end_ = end;
  const auto is_over = [](void* connection) {
    return std::chrono::steady_clock::now() >= static_cast<const Connection*>(connection)->end_ ? 1 : 0;
  };
  sqlite3_progress_handler(handle(), kStepsBetweenLooks, is_over, this);
}

void Connection::write_log_back(std::chrono::milliseconds patience) {
  if (!ok()) return;
  sqlite3_busy_timeout(handle(), static_cast<int>(patience.count()));
  const int code = sqlite3_wal_checkpoint_v2(handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code != SQLITE_OK) fail_with(code);
  sqlite3_busy_timeout(handle(), static_cast<int>(kBusyTimeout.count()));
}

void Connection::keep_log() noexcept { sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

std::int64_t Connection::changes() const noexcept { return sqlite3_changes64(handle()); }
bool Connection::in_transaction() const noexcept { return sqlite3_get_autocommit(handle()) == 0; }

void Connection::fail_with(int code) {
  if (code_ != 0) return;
  code_ = sqlite3_extended_errcode(handle());
  if (primary(code_) != primary(code)) code_ = code;
  message_ = sqlite3_errmsg(handle());
}

void Connection::clear_error() noexcept {
  code_ = 0;
  message_.clear();
}

Error Connection::error() const {
  const std::string text = "database: " + message_ + " (" + std::to_string(code_) + ")";
  if (is_disk_full(code_)) return {ErrorKind::transient, "no space left for the database", "ServiceUnavailable"};
  if (is_busy(code_)) return {ErrorKind::transient, text, "SlowDown"};
  switch (primary(code_)) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorKind::corrupt, text + ": s3link.db is damaged; restore it from a backup", ""};
    case SQLITE_INTERRUPT:
      return {ErrorKind::transient, text + ": it took too long", "SlowDown"};
    case SQLITE_NOMEM:
      return {ErrorKind::transient, text, "ServiceUnavailable"};
    default:
      return {ErrorKind::internal, text, ""};
  }
}

}  // namespace s3link::sqlite_store
