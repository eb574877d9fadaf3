#include "adapters/sqlite_store/backup_verify.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/file_system.hpp"
#include "adapters/sqlite_store/folder_lock.hpp"
#include "adapters/sqlite_store/key_check.hpp"
#include "adapters/sqlite_store/package_cipher.hpp"
#include "adapters/sqlite_store/row_seal.hpp"
#include "adapters/sqlite_store/schema.hpp"
#include "adapters/sqlite_store/sealed_rows.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kRowsAtATime = 256;

struct BodyRow {
  std::int64_t body_set = 0;
  std::int64_t part = 0;
  std::string id;
  std::uint64_t size_bytes = 0;
  std::string wrapped_key;
  std::optional<std::string> sealed;  ///< of a small one; else it is in a file
};

std::vector<BodyRow> next_rows(Connection& db, std::int64_t body_set, std::int64_t part) {
  std::vector<BodyRow> found;
  Query rows = db.query(
      "SELECT b.body_set, b.part, b.id, b.size, b.wrapped_key, b.small, s.sealed FROM bodies b"
      " LEFT JOIN small_bodies s ON s.id=b.small WHERE (b.body_set, b.part)>(?1, ?2) ORDER BY b.body_set, b.part"
      " LIMIT ?3",
      body_set, part, kRowsAtATime);
  while (rows.next()) {
    BodyRow row{.body_set = rows.integer(0),
                .part = rows.integer(1),
                .id = rows.text(2),
                .size_bytes = rows.count(3),
                .wrapped_key = rows.text(4),
                .sealed = std::nullopt};
    if (!rows.null(5)) row.sealed = rows.text(6);
    found.push_back(std::move(row));
  }
  return found;
}

/// The sealed bytes of one body, from wherever they are.
class SealedBytes {
 public:
  /// Errors: corrupt, internal (I/O).
  static Result<SealedBytes> open(const fs::path& folder, const BodyRow& row) {
    SealedBytes bytes;
    if (row.sealed) {
      bytes.small_ = *row.sealed;
      return bytes;
    }
    const std::string name = hex_encode(row.id);
    const fs::path path = folder / "objects" / name.substr(0, 2) / name.substr(2, 2) / name;
    int descriptor = -1;
    if (const int failure = real_file_system().open(path.string(), descriptor); failure != 0)
      return fail(ErrorKind::corrupt,
                  "cannot open " + path.string() + ": " + std::error_code(failure, std::generic_category()).message());
    bytes.file_ = FileHandle(real_file_system(), descriptor);
    std::string header(kHeaderBytes, '\0');
    const auto got = bytes.read(std::as_writable_bytes(std::span(header)));
    if (!got) return std::unexpected(got.error());
    if (*got != header.size() || header != kBodyHeader)
      return fail(ErrorKind::corrupt, path.string() + " does not begin as a body file does");
    return bytes;
  }

  /// Less than asked for: the end.
  Result<std::size_t> read(std::span<std::byte> out) {
    std::size_t length = 0;
    if (!file_) {
      const std::string_view rest = small_.substr(std::min<std::size_t>(offset_, small_.size()));
      length = std::min(rest.size(), out.size());
      std::ranges::copy(as_bytes(rest.substr(0, length)), out.begin());
    } else if (const int failure = real_file_system().read_at(file_.get(), offset_, out, false, length); failure != 0) {
      return fail(ErrorKind::corrupt, "cannot be read: " + std::error_code(failure, std::generic_category()).message());
    }
    offset_ += length;
    return length;
  }

 private:
  FileHandle file_;
  std::string_view small_;
  std::uint64_t offset_ = 0;
};

/// Errors: corrupt.
Status check_body(const fs::path& folder, const KeyWrap& keys, const BodyRow& row) {
  BodyId id;
  if (row.id.size() != id.size()) return fail(ErrorKind::corrupt, "its row has no body id");
  std::copy(row.id.begin(), row.id.end(), id.begin());
  const auto key = keys.unwrap(row.wrapped_key, id);
  if (!key) return std::unexpected(key.error());
  auto bytes = SealedBytes::open(folder, row);
  if (!bytes) return std::unexpected(bytes.error());
  PackageCipher cipher(key->reveal());
  std::vector<std::byte> sealed(kSealedPackageBytes);
  std::vector<std::byte> plain(kPackageBytes);
  const std::uint64_t packages = package_count(row.size_bytes);
  for (std::uint64_t package = 0; package < packages; ++package) {
    const bool final = package + 1 == packages;
    const auto length = static_cast<std::size_t>(final ? row.size_bytes - package * kPackageBytes : kPackageBytes);
    const auto wanted = std::span(sealed).first(length + kTagBytes);
    const auto got = bytes->read(wanted);
    if (!got) return std::unexpected(got.error());
    if (*got != wanted.size()) return fail(ErrorKind::corrupt, "it is shorter than its row says");
    if (auto opened = cipher.open(package, final, wanted, std::span(plain).first(length)); !opened) return opened;
  }
  const auto more = bytes->read(std::span(sealed).first(1));
  if (!more) return std::unexpected(more.error());
  if (*more != 0) return fail(ErrorKind::corrupt, "it is longer than its row says");
  return {};
}

/// Whose body it is, in words.
std::string owner_of(Connection& db, std::int64_t body_set) {
  {
    Query object = db.query(
        "SELECT b.name, o.key FROM objects o JOIN buckets b ON b.id=o.bucket WHERE o.body_set=?1 LIMIT 1", body_set);
    if (object.next()) return object.text(0) + "/" + object.text(1);
  }
  Query upload = db.query(
      "SELECT b.name, u.key FROM uploads u JOIN buckets b ON b.id=u.bucket WHERE u.body_set=?1 LIMIT 1", body_set);
  if (upload.next()) return "unfinished upload of " + upload.text(0) + "/" + upload.text(1);
  return "a body of no object";
}

class Verifier {
 public:
  /// `sealed`: whether the database's version has seals.
  Verifier(Connection& db, const fs::path& folder, const KeyWrap& keys, bool sealed, const VerifyHooks& hooks)
      : db_(db), folder_(folder), keys_(keys), sealed_(sealed), hooks_(hooks) {}

  Result<VerifyReport> run() {
    check_database();
    if (sealed_) check_seals();
    check_objects();
    if (const Status checked = check_bodies(); !checked) return std::unexpected(checked.error());
    if (!db_.ok()) return std::unexpected(db_.error());
    return report_;
  }

 private:
  void note(std::string where, std::string what) {
    ++report_.damages;
    if (hooks_.damaged) hooks_.damaged({.where = std::move(where), .what = std::move(what)});
  }

  void check_database() {
    Query rows = db_.query("PRAGMA integrity_check(100)");
    while (rows.next()) {
      if (rows.bytes(0) != "ok") note("the database", rows.text(0));
    }
  }

  /// Each row is as it was written. `statement`: a name for each that is not.
  void check_seals_of(const char* statement, const char* what) {
    Query rows = db_.query(statement);
    while (rows.next()) note(what + rows.text(0), "its row does not fit its seal");
  }
  void check_seals() {
    check_seals_of(sql<"SELECT name FROM buckets WHERE seal IS NOT row_seal('bucket', ", kBucketColumns, ")">(),
                   "the bucket ");
    check_seals_of(sql<"SELECT coalesce(", kNameOfBucket, ", '?') || '/' || key FROM objects",
                       " WHERE seal IS NOT row_seal('object', ", kNameOfBucket, ", ", kObjectColumns, ")">(),
                   "");
    check_seals_of(sql<"SELECT coalesce(", kNameOfBucket, ", '?') || '/' || key FROM uploads",
                       " WHERE seal IS NOT row_seal('upload', ", kNameOfBucket, ", ", kUploadColumns, ")">(),
                   "unfinished upload of ");
    check_seals_of(sql<"SELECT id FROM lifecycle_rules WHERE seal IS NOT row_seal('rule', ", kRuleColumns, ")">(),
                   "the lifecycle rule ");
    check_seals_of(
        sql<"SELECT id FROM access_log_journal WHERE seal IS NOT row_seal('journal', ", kJournalColumns, ")">(),
        "access log lines ");
    Query bodies =
        db_.query(sql<"SELECT body_set FROM bodies WHERE seal IS NOT row_seal('body', ", kBodyColumns, ")">());
    while (bodies.next()) note(owner_of(db_, bodies.integer(0)), "a row of its content does not fit its seal");
  }

  /// Each has bodies of its size.
  void check_objects() {
    Query rows = db_.query(
        "SELECT b.name, o.key FROM objects o JOIN buckets b ON b.id=o.bucket"
        " WHERE o.size<>(SELECT coalesce(sum(size), -1) FROM bodies WHERE body_set=o.body_set)");
    while (rows.next()) note(rows.text(0) + "/" + rows.text(1), "its rows do not hold its size");
  }

  Status check_bodies() {
    std::uint64_t total = 0;
    {
      Query count = db_.query("SELECT count(*) FROM bodies");
      if (count.next()) total = count.count(0);
    }
    std::int64_t body_set = -1;
    std::int64_t part = -1;
    while (true) {
      const auto rows = next_rows(db_, body_set, part);
      if (!db_.ok()) return std::unexpected(db_.error());
      if (rows.empty()) return {};
      for (const BodyRow& row : rows) {
        if (const Status whole = check_body(folder_, keys_, row); whole) {
          report_.bytes += row.size_bytes;
        } else {
          note(owner_of(db_, row.body_set), whole.error().message);
        }
        ++report_.bodies;
        if (hooks_.bodies) hooks_.bodies(report_.bodies, total);
      }
      body_set = rows.back().body_set;
      part = rows.back().part;
    }
  }

  Connection& db_;
  const fs::path& folder_;
  const KeyWrap& keys_;
  const bool sealed_;
  const VerifyHooks& hooks_;
  VerifyReport report_;
};

}  // namespace

Result<VerifyReport> verify_backup(const fs::path& folder, const Secret& master_key, const VerifyHooks& hooks) {
  const fs::path database = folder / "s3link.db";
  std::error_code failure;
  if (!fs::is_regular_file(database, failure))
    return fail(ErrorKind::not_found, "there is no backup in " + folder.string() + ": s3link.db is missing" +
                                          (fs::exists(database.string() + ".new", failure)
                                               ? ", because the one that was begun there did not end; run it again"
                                               : ""));
  // A medium that cannot be written to takes no lock, and needs none.
  const auto alone = FolderLock::take(folder);
  if (!alone && alone.error().kind == ErrorKind::conflict) return std::unexpected(alone.error());
  auto db = Connection::open(database, Connection::Mode::reader, nullptr);
  if (!db) return std::unexpected(db.error());
  std::int64_t version = 0;
  {
    Query row = (*db)->query("PRAGMA user_version");
    if (row.next()) version = row.integer(0);
  }
  if (!(*db)->ok()) return std::unexpected((*db)->error());
  if (version > kSchemaVersion)
    return fail(ErrorKind::conflict, database.string() + " was made by a newer s3link; verify it with that one");
  if (const Status right = check_master_key(**db, master_key); !right) {
    if (right.error().kind != ErrorKind::denied) return std::unexpected(right.error());
    return fail(ErrorKind::denied, "the master key is not the one that " + database.string() + " is encrypted with");
  }
  const KeyWrap keys(master_key.clone());
  const RowSeals seals(master_key);
  seals.add_to(**db);
  auto report = Verifier(**db, folder, keys, version >= kFirstSealedVersion, hooks).run();
  if (report) report->later_one_broken_off = fs::exists(database.string() + ".new", failure);
  return report;
}

}  // namespace s3link::sqlite_store
