#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"

struct sqlite3;
struct sqlite3_context;
struct sqlite3_stmt;
struct sqlite3_value;

namespace s3link::sqlite_store {

/// Marks a value to be bound as a BLOB.
struct Blob {
  std::string_view bytes;
};

class Connection;

/// One run of a prepared statement: bound, stepped through, reset when it goes out of scope.
class Query {
 public:
  Query(Query&& other) noexcept;
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  /// Steps to the next row. False: no more, or the connection has failed.
  bool next();
  bool null(int column) const;
  std::int64_t integer(int column) const;
  std::uint64_t count(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  Instant instant(int column) const { return from_unix_ms(integer(column)); }
  std::optional<Instant> maybe_instant(int column) const;
  /// Of a TEXT or BLOB; valid until the next step.
  std::string_view bytes(int column) const;
  std::string text(int column) const { return std::string(bytes(column)); }

 private:
  friend class Connection;
  Query(Connection& connection, sqlite3_stmt* statement) : connection_(&connection), statement_(statement) {}

  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view text);
  void bind(int index, Blob blob);
  void bind(int index, std::nullopt_t);
  void bind(int index, Instant when) { bind(index, to_unix_ms(when)); }
  void bind(int index, bool value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, const std::string& text) { bind(index, std::string_view(text)); }
  void bind(int index, const char* text) { bind(index, std::string_view(text)); }
  void bind(int index, std::integral auto value) { bind(index, static_cast<std::int64_t>(value)); }
  template <class T>
  void bind(int index, const std::optional<T>& value) {
    if (value) {
      bind(index, *value);
    } else {
      bind(index, std::nullopt);
    }
  }

  Connection* connection_;
  sqlite3_stmt* statement_;  // null when it could not be prepared
};

/// One SQLite connection with its prepared statements.
///
/// Failures are sticky: after the first one every query yields nothing, and whoever owns the unit of work asks error()
/// once at its end. So code between need not check each statement; it must have no effect outside the database.
/// Thread safety: one thread at a time.
class Connection {
 public:
  enum class Mode { writer, reader };

  /// `vfs` names a SQLite VFS; null: the default.
  static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& file, Mode mode, const char* vfs);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// `sql` must be a literal: its address is the key of the statement cache. Values are bound in order.
  template <class... Values>
  Query query(const char* sql, const Values&... values) {
    Query query(*this, prepare(sql));
    int index = 0;
    (query.bind(++index, values), ...);
    return query;
  }
  /// Runs a statement that yields no rows of interest; returns how many rows it changed.
  template <class... Values>
  std::int64_t run(const char* sql, const Values&... values) {
    Query running = query(sql, values...);
    while (running.next()) {
    }
    return ok() ? changes() : 0;
  }
  /// Several statements without values: schema and pragmas.
  void script(const char* sql);
  /// Gives SQL a function of any number of arguments that depends on them alone. Before statements that use it.
  void add_function(const char* name, void (*call)(sqlite3_context*, int, sqlite3_value**), void* data);

  static constexpr std::chrono::milliseconds kBusyTimeout{10'000};  ///< how long others' locks are waited for

  /// Statements that have not ended by then fail (transient, SlowDown), until another limit is set.
  void limit_time(std::chrono::steady_clock::time_point end);

  /// Writes the whole log back into the database, synced, and cuts it to nothing. Waits for readers.
  void write_log_back(std::chrono::milliseconds patience = kBusyTimeout);
  /// The log stays as it is when this, the last connection, closes.
  void keep_log() noexcept;

  bool ok() const noexcept { return code_ == 0; }
  /// SQLite's extended result code of the first failure; 0: none.
  int code() const noexcept { return code_; }
  /// The first failure as the ports report it. Only when !ok().
  Error error() const;
  void clear_error() noexcept;
  bool in_transaction() const noexcept;
  sqlite3* handle() const noexcept { return handle_.get(); }

 private:
  friend class Query;
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };

  explicit Connection(sqlite3* handle) : handle_(handle) {}
  sqlite3_stmt* prepare(const char* sql);
  std::int64_t changes() const noexcept;
  void fail_with(int code);

  std::unique_ptr<sqlite3, Close> handle_;
  std::map<const char*, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;
  std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::time_point::max();
  int code_ = 0;
  std::string message_;
};

/// Whether the code says that there was no room (SQLITE_FULL and its relatives): nothing is wrong with the file.
bool is_disk_full(int code) noexcept;
/// Whether a sync failed: nobody knows what is on the disk.
bool is_failed_sync(int code) noexcept;
/// Whether the database's file is not as SQLite wrote it; an index alone: as its table says.
bool is_damaged(int code) noexcept;
bool is_damaged_index(int code) noexcept;
/// Whether another connection held a lock for too long.
bool is_busy(int code) noexcept;

}  // namespace s3link::sqlite_store
