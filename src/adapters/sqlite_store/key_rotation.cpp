#include "adapters/sqlite_store/key_rotation.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite_store/backup_lock.hpp"
#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/folder_lock.hpp"
#include "adapters/sqlite_store/folder_owner.hpp"
#include "adapters/sqlite_store/key_check.hpp"
#include "adapters/sqlite_store/master_key_file.hpp"
#include "adapters/sqlite_store/package_cipher.hpp"
#include "adapters/sqlite_store/path_error.hpp"
#include "adapters/sqlite_store/row_seal.hpp"
#include "adapters/sqlite_store/schema.hpp"
#include "adapters/sqlite_store/sealed_rows.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kRowsAtATime = 512;

/// The two places a key can be in; the database decides which counts.
struct KeyPlaces {
  fs::path current;
  fs::path fresh;
};

KeyPlaces places_of(const fs::path& key_file) {
  std::error_code failure;
  fs::path real = fs::canonical(key_file, failure);
  if (failure) real = key_file;  // it may be missing while its successor is there
  return {.current = real, .fresh = real.string() + ".new"};
}

/// What has the folder for the rotation alone.
struct Folder {
  FolderLock lock;
  BackupLock backup_lock;
  std::optional<BackupLock::Hold> no_backup;  ///< empty: one is being made
  std::unique_ptr<Connection> db;
};

/// Errors: conflict (somebody has the folder, or unless it may go on, a backup is being made), and those of opening it.
Result<Folder> open_folder(const fs::path& data_dir, const char* vfs, bool beside_a_backup) {
  auto lock = FolderLock::take(data_dir);
  if (!lock) return std::unexpected(lock.error());
  auto backup_lock = BackupLock::open(data_dir);
  if (!backup_lock) return std::unexpected(backup_lock.error());
  auto no_backup = backup_lock->try_exclude();
  if (!no_backup && !(beside_a_backup && no_backup.error().kind == ErrorKind::conflict))
    return std::unexpected(no_backup.error());
  auto db = Connection::open(data_dir / "s3link.db", Connection::Mode::writer, vfs);
  if (!db) return std::unexpected(db.error());
  Folder folder{.lock = std::move(*lock),
                .backup_lock = std::move(*backup_lock),
                .no_backup = std::nullopt,
                .db = std::move(*db)};
  if (no_backup) folder.no_backup.emplace(std::move(*no_backup));
  return folder;
}

/// Of a database that has been opened before; empty for one that a first start never finished.
std::string key_check_of(Connection& db) {
  {
    Query tables = db.query("SELECT 1 FROM sqlite_schema WHERE name='meta'");
    if (!tables.next()) return {};
  }
  return read_key_check(db);
}

/// The file's key if it is the one that the database is under. Errors: what reading it gave.
Result<std::optional<Secret>> matching_key(const fs::path& file, std::string_view key_check) {
  auto key = read_master_key_file(file);
  if (!key) return std::unexpected(key.error());
  if (!opens_key_check(*key, key_check)) return std::nullopt;
  return std::optional(std::move(*key));
}

/// Writes the log back and cuts it: what was overwritten in the database is in none of its files any more.
Status cut_log(Connection& db) {
  const int code = sqlite3_wal_checkpoint_v2(db.handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  return fail(is_disk_full(code) || is_busy(code) ? ErrorKind::transient : ErrorKind::internal,
              std::string("the database's log could not be written back: ") + sqlite3_errmsg(db.handle()));
}

/// What a process that was killed had committed may not be on the disk yet.
Status sync_log(const fs::path& data_dir) {
  const fs::path log = data_dir / "s3link.db-wal";
  const int descriptor = ::open(log.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return errno == ENOENT ? Status{} : path_error("cannot open", log, errno);
  const int failure = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (failure != 0) return path_error("cannot sync", log, failure);
  return {};
}

void tell(const RotationHooks& hooks, RotationStep step) {
  if (hooks.reached) hooks.reached(step);
}

/// After the commit.
Status finish(Connection& db, const KeyPlaces& places, const RotationHooks& hooks) {
  if (const Status cut = cut_log(db); !cut) return cut;
  tell(hooks, RotationStep::log_cut);
  if (const Status replaced = replace_master_key_file(places.fresh, places.current); !replaced) return replaced;
  tell(hooks, RotationStep::finished);
  return {};
}

std::unexpected<Error> neither_fits(const Result<std::optional<Secret>>& current, const KeyPlaces& places) {
  if (!current) return std::unexpected(current.error());
  return fail(ErrorKind::denied, "neither " + places.current.string() + " nor " + places.fresh.string() +
                                     " is the master key that this data folder is encrypted with");
}

/// settle() while a backup reads the log, which cannot be cut before it is done. What that is for comes later: the
/// server cuts the log when nobody reads it, and a new key that was not committed does no harm where it is.
Status settle_beside_a_backup(std::string_view key_check, const KeyRotation& rotation, const KeyPlaces& places) {
  const auto current = matching_key(places.current, key_check);
  if (current && *current) return {};
  const auto fresh = matching_key(places.fresh, key_check);
  if (!fresh && fresh.error().kind == ErrorKind::internal) return std::unexpected(fresh.error());
  if (!fresh || !*fresh) return neither_fits(current, places);
  if (const Status synced = sync_log(rotation.data_dir); !synced) return synced;
  return replace_master_key_file(places.fresh, places.current);
}

/// With a new key's file there: true when the database is under it, and the rotation now finished; false when it is
/// under the old one, and the new one now gone.
Result<bool> settle(Connection& db, std::string_view key_check, const KeyPlaces& places, const RotationHooks& hooks) {
  const auto current = matching_key(places.current, key_check);
  if (current && *current) {
    // First the log: nothing of a commit that broke off may come to light once its key is gone.
    if (const Status cut = cut_log(db); !cut) return std::unexpected(cut.error());
    if (const Status gone = destroy_master_key_file(places.fresh); !gone) return std::unexpected(gone.error());
    return false;
  }
  const auto fresh = matching_key(places.fresh, key_check);
  if (fresh && *fresh) {
    if (const Status done = finish(db, places, hooks); !done) return std::unexpected(done.error());
    return true;
  }
  if (!fresh && fresh.error().kind == ErrorKind::internal) return std::unexpected(fresh.error());
  return neither_fits(current, places);
}

struct WrappedKey {
  std::int64_t body_set = 0;
  std::int64_t part = 0;
  BodyId body{};
  std::string wrapped;
};

Result<std::vector<WrappedKey>> next_keys(Connection& db, std::int64_t body_set, std::int64_t part) {
  std::vector<WrappedKey> found;
  Query rows = db.query(
      "SELECT body_set, part, id, wrapped_key FROM bodies WHERE (body_set, part)>(?1, ?2) "
      "ORDER BY body_set, part LIMIT ?3",
      body_set, part, kRowsAtATime);
  while (rows.next()) {
    WrappedKey key{.body_set = rows.integer(0), .part = rows.integer(1), .wrapped = rows.text(3)};
    const std::string_view id = rows.bytes(2);
    if (id.size() != key.body.size()) return fail(ErrorKind::corrupt, "a row of bodies has no body id");
    std::copy(id.begin(), id.end(), key.body.begin());
    found.push_back(std::move(key));
  }
  return found;
}

/// Rows that fit their seal get one of the new key; the others cannot be read before either, and stay so.
void seal_all(Connection& db) {
  constexpr SqlText kFits(" SET seal=CASE WHEN seal IS row_seal(");
  constexpr SqlText kThen(") THEN new_row_seal(");
  constexpr SqlText kElse(") ELSE seal END");
  db.run(sql<"UPDATE buckets", kFits, "'bucket', ", kBucketColumns, kThen, "'bucket', ", kBucketColumns, kElse>());
  db.run(sql<"UPDATE objects", kFits, "'object', ", kNameOfBucket, ", ", kObjectColumns, kThen, "'object', ",
             kNameOfBucket, ", ", kObjectColumns, kElse>());
  db.run(sql<"UPDATE uploads", kFits, "'upload', ", kNameOfBucket, ", ", kUploadColumns, kThen, "'upload', ",
             kNameOfBucket, ", ", kUploadColumns, kElse>());
  db.run(sql<"UPDATE lifecycle_rules", kFits, "'rule', ", kRuleColumns, kThen, "'rule', ", kRuleColumns, kElse>());
  db.run(sql<"UPDATE access_log_journal", kFits, "'journal', ", kJournalColumns, kThen, "'journal', ", kJournalColumns,
             kElse>());
}

/// In the transaction. A key that does not open, or whose row does not fit its seal, is damaged: its body cannot be
/// read before either.
Status wrap_all(Connection& db, const KeyWrap& old_keys, const Secret& new_key, const RotationHooks& hooks,
                RotationReport& report) {
  const KeyWrap new_keys(new_key.clone());
  std::uint64_t total = 0;
  {
    Query count = db.query("SELECT count(*) FROM bodies");
    if (count.next()) total = count.count(0);
  }
  std::int64_t body_set = -1;
  std::int64_t part = -1;
  while (true) {
    const auto keys = next_keys(db, body_set, part);
    if (!keys) return std::unexpected(keys.error());
    if (keys->empty()) break;
    for (const WrappedKey& key : *keys) {
      const auto data_key = old_keys.unwrap(key.wrapped, key.body);
      const bool wrapped =
          data_key && db.run(sql<"UPDATE bodies SET wrapped_key=?3, seal=new_row_seal('body', body_set, part, id, size,"
                                 " ?3, small, md5, modified_ms, checksum_algorithm, checksum_value)"
                                 " WHERE body_set=?1 AND part=?2 AND seal IS row_seal('body', ",
                                 kBodyColumns, ")">(),
                             key.body_set, key.part, Blob{new_keys.wrap(*data_key, key.body)}) == 1;
      if (!wrapped) {
        ++report.unreadable;
        continue;
      }
      ++report.data_keys;
      tell(hooks, RotationStep::key_wrapped);
    }
    body_set = keys->back().body_set;
    part = keys->back().part;
    if (hooks.progress) hooks.progress(report.data_keys + report.unreadable, total);
  }
  seal_all(db);
  db.run("UPDATE meta SET value=?1 WHERE name='key_check'", Blob{make_key_check(new_key)});
  if (!db.ok()) return std::unexpected(db.error());
  return {};
}

/// All or nothing, and on the disk on return.
Status wrap_in_one_transaction(Connection& db, const KeyWrap& old_keys, const Secret& new_key,
                               const RotationHooks& hooks, RotationReport& report) {
  db.script("BEGIN IMMEDIATE");
  const Status wrapped = wrap_all(db, old_keys, new_key, hooks, report);
  if (wrapped) db.script("COMMIT");
  if (wrapped && db.ok()) return {};
  const Error error = wrapped ? db.error() : wrapped.error();
  db.clear_error();
  if (db.in_transaction()) db.script("ROLLBACK");
  return std::unexpected(error);
}

}  // namespace

Result<RotationReport> rotate_master_key(const KeyRotation& rotation, const RotationHooks& hooks) {
  if (const Status ours = check_folder_owner(rotation.data_dir); !ours) return std::unexpected(ours.error());
  auto folder = open_folder(rotation.data_dir, hooks.sqlite_vfs, false);
  if (!folder) return std::unexpected(folder.error());
  Connection& db = *folder->db;
  const std::string key_check = key_check_of(db);
  if (!db.ok()) return std::unexpected(db.error());
  if (key_check.empty()) return fail(ErrorKind::not_found, "the data folder is empty: nothing is encrypted yet");
  const KeyPlaces places = places_of(rotation.key_file);
  std::error_code failure;
  if (fs::exists(places.fresh, failure)) {
    const auto finished = settle(db, key_check, places, hooks);
    if (!finished) return std::unexpected(finished.error());
    if (*finished) return RotationReport{.finished_earlier = true};
  }

  const auto old_key = matching_key(places.current, key_check);
  if (!old_key) return std::unexpected(old_key.error());
  if (!*old_key)
    return fail(ErrorKind::denied,
                places.current.string() + " is not the master key that this data folder is encrypted with");
  if (const Status right = check_master_key(db, **old_key); !right) return std::unexpected(right.error());
  const RowSeals old_seals(**old_key);
  const auto new_key = make_master_key();
  if (!new_key) return std::unexpected(new_key.error());
  const RowSeals new_seals(*new_key);
  old_seals.add_to(db);
  new_seals.add_to(db, "new_row_seal");
  if (const Status prepared = prepare_schema(db); !prepared) return std::unexpected(prepared.error());
  if (const Status saved = create_master_key_file(places.fresh, *new_key); !saved)
    return std::unexpected(saved.error());
  tell(hooks, RotationStep::key_saved);

  RotationReport report;
  const Status wrapped = wrap_in_one_transaction(db, KeyWrap((*old_key)->clone()), *new_key, hooks, report);
  // Then the new key's file stays: after a COMMIT that failed only the next to open the database can say what counts.
  if (!wrapped) return std::unexpected(wrapped.error());
  tell(hooks, RotationStep::committed);
  if (const Status done = finish(db, places, hooks); !done) return std::unexpected(done.error());
  return report;
}

Status settle_master_key(const KeyRotation& rotation) {
  const KeyPlaces places = places_of(rotation.key_file);
  std::error_code failure;
  if (!fs::exists(places.fresh, failure) || !fs::exists(rotation.data_dir / "s3link.db", failure)) return {};
  auto folder = open_folder(rotation.data_dir, nullptr, true);
  if (!folder) return std::unexpected(folder.error());
  const std::string key_check = key_check_of(*folder->db);
  if (!folder->db->ok()) return std::unexpected(folder->db->error());
  if (key_check.empty()) return {};
  if (!folder->no_backup) return settle_beside_a_backup(key_check, rotation, places);
  const auto settled = settle(*folder->db, key_check, places, {});
  if (!settled) return std::unexpected(settled.error());
  return {};
}

}  // namespace s3link::sqlite_store
