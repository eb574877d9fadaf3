#include "adapters/sqlite_store/backup_bodies.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "adapters/sqlite_store/backup_file.hpp"
#include "adapters/sqlite_store/descriptor.hpp"
#include "adapters/sqlite_store/file_system.hpp"
#include "adapters/sqlite_store/package_cipher.hpp"
#include "adapters/sqlite_store/path_error.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kRowsAtATime = 512;
constexpr std::uint64_t kBytesAtATime = 64U << 20;

struct NamedBody {
  BodyId id{};
  std::uint64_t file_bytes = 0;
};

std::uint64_t file_bytes_of(std::uint64_t size_bytes) {
  return kHeaderBytes + size_bytes + package_count(size_bytes) * kTagBytes;
}

/// In the order of their ids, so that one folder comes after the other.
Result<std::vector<NamedBody>> next_bodies(Connection& db, const BodyId& after) {
  std::vector<NamedBody> found;
  Query rows = db.query("SELECT id, size FROM bodies WHERE small IS NULL AND id>?1 ORDER BY id LIMIT ?2",
                        Blob{id_text(after)}, kRowsAtATime);
  while (rows.next()) {
    NamedBody body{.file_bytes = file_bytes_of(rows.count(1))};
    const std::string_view id = rows.bytes(0);
    if (id.size() != body.id.size()) return fail(ErrorKind::corrupt, "a row of bodies has no body id");
    std::copy(id.begin(), id.end(), body.id.begin());
    found.push_back(body);
  }
  return found;
}

fs::path path_of(const fs::path& folder, const BodyId& id) {
  const std::string name = hex_encode(id_text(id));
  return folder / "objects" / name.substr(0, 2) / name.substr(2, 2) / name;
}

bool is_named(Connection& db, std::string_view file_name) {
  const auto id = file_name.size() == 2 * sizeof(BodyId) ? hex_decode(file_name) : std::nullopt;
  if (!id) return false;
  Query row = db.query("SELECT 1 FROM bodies WHERE small IS NULL AND id=?1", Blob{*id});
  return row.next() || !db.ok();
}

/// Copies files under names that do not count, makes them durable together, then gives them their names: a sync for
/// each of a million files would take hours.
class BodyCopier {
 public:
  BodyCopier(Connection& now, const Backup& backup, const BackupHooks& hooks, BackupPulse& pulse, BackupReport& report)
      : now_(now), backup_(backup), hooks_(hooks), pulse_(pulse), report_(report) {}

  /// Whether each file that was missing is still named.
  bool exact() const noexcept { return exact_; }

  Status take(const NamedBody& body) {
    ++report_.files;
    const fs::path to = path_of(backup_.target, body.id);
    std::error_code failure;
    if (fs::is_regular_file(fs::symlink_status(to, failure)) && fs::file_size(to, failure) == body.file_bytes &&
        !failure)
      return {};
    if (const Status copied = copy(body, to); !copied) return copied;
    if (waiting_bytes_ >= kBytesAtATime) return settle();
    return {};
  }

  /// What was copied so far gets its names.
  Status settle() {
    if (waiting_.empty()) return {};
    if (const Status synced = sync_all(); !synced) return synced;
    std::error_code failure;
    for (const fs::path& path : waiting_) {
      fs::rename(path.string() + std::string(kBackupDraft), path, failure);
      if (failure) return path_error("cannot name", path, failure);
    }
    waiting_.clear();
    waiting_bytes_ = 0;
    return pulse_.beat();
  }

  /// The target's file system, with everything written to it so far.
  Status sync_all() const {
    const int folder = ::open(backup_.target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int failure = folder < 0 || ::syncfs(folder) != 0 ? errno : 0;
    if (folder >= 0) ::close(folder);
    if (failure == 0) return {};
    return path_error("cannot sync", backup_.target, failure);
  }

 private:
  Status copy(const NamedBody& body, const fs::path& to) {
    const fs::path from = path_of(backup_.data_dir, body.id);
    const fs::path draft = to.string() + std::string(kBackupDraft);
    std::error_code failure;
    fs::create_directories(to.parent_path(), failure);
    if (failure) return path_error("cannot make", to.parent_path(), failure);
    if (!fs::is_regular_file(fs::symlink_status(from, failure))) {
      ++report_.damaged_files;
      if (!is_named(now_, from.filename().string())) exact_ = false;
      return {};
    }
    const Descriptor in(open_regular_file(from.c_str()));
    if (in.get() < 0) return path_error("cannot open", from, -in.get());
    const auto copied = copy_file(in.get(), from, draft, [this](std::uint64_t) { return pulse_.beat(); });
    if (!copied) return std::unexpected(copied.error());
    if (*copied != body.file_bytes) ++report_.damaged_files;
    ++report_.copied_files;
    report_.copied_bytes += *copied;
    waiting_bytes_ += *copied;
    waiting_.push_back(to);
    if (hooks_.reached) hooks_.reached(BackupStep::body_copied);
    return {};
  }

  Connection& now_;
  const Backup& backup_;
  const BackupHooks& hooks_;
  BackupPulse& pulse_;
  BackupReport& report_;
  bool exact_ = true;
  std::vector<fs::path> waiting_;
  std::uint64_t waiting_bytes_ = 0;
};

/// Whether a backup may have made it; anything else in there is somebody else's, and stays.
bool is_ours(std::string_view file_name) {
  if (file_name.ends_with(kBackupDraft)) file_name.remove_suffix(kBackupDraft.size());
  return file_name.size() == 2 * sizeof(BodyId) && hex_decode(file_name).has_value();
}

}  // namespace

Result<bool> copy_bodies(Connection& database, Connection& now, const Backup& backup, const BackupHooks& hooks,
                         BackupPulse& pulse, BackupReport& report) {
  std::uint64_t total = 0;
  {
    Query count = database.query("SELECT count(*) FROM bodies WHERE small IS NULL");
    if (count.next()) total = count.count(0);
  }
  std::error_code failure;
  fs::create_directories(backup.target / "objects", failure);
  if (failure) return path_error("cannot make", backup.target / "objects", failure);
  BodyCopier copier(now, backup, hooks, pulse, report);
  BodyId last{};
  while (true) {
    const auto bodies = next_bodies(database, last);
    if (!bodies) return std::unexpected(bodies.error());
    if (!database.ok()) return std::unexpected(database.error());
    if (bodies->empty()) break;
    for (const NamedBody& body : *bodies) {
      if (const Status taken = copier.take(body); !taken) return std::unexpected(taken.error());
      if (hooks.bodies) hooks.bodies(report.files, total);
      if (const Status goes_on = pulse.beat(); !goes_on) return std::unexpected(goes_on.error());
    }
    if (const Status settled = copier.settle(); !settled) return std::unexpected(settled.error());
    last = bodies->back().id;
  }
  if (!now.ok()) return std::unexpected(now.error());
  if (const Status synced = copier.sync_all(); !synced) return std::unexpected(synced.error());
  return copier.exact();
}

Status prune_bodies(Connection& database, const Backup& backup, BackupReport& report) {
  std::error_code failure;
  for (fs::recursive_directory_iterator entry(backup.target / "objects", failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (!entry->is_regular_file() || !is_ours(name) || is_named(database, name)) continue;
    fs::remove(entry->path(), failure);
    if (failure) return path_error("cannot remove", entry->path(), failure);
    if (!name.ends_with(kBackupDraft)) ++report.removed_files;
  }
  if (failure) return path_error("cannot list", backup.target / "objects", failure);
  if (!database.ok()) return std::unexpected(database.error());
  return {};
}

}  // namespace s3link::sqlite_store
