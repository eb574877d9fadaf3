#include "adapters/sqlite_store/backup.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>

#include "adapters/sqlite_store/backup_bodies.hpp"
#include "adapters/sqlite_store/backup_database.hpp"
#include "adapters/sqlite_store/backup_lock.hpp"
#include "adapters/sqlite_store/backup_pulse.hpp"
#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/folder_lock.hpp"
#include "adapters/sqlite_store/folder_owner.hpp"
#include "adapters/sqlite_store/path_error.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

/// Says what the folder is, to people and to the next backup.
constexpr const char* kLabel = "BACKUP.txt";
constexpr const char* kLabelDraft = "BACKUP.txt.new";

std::string label_of(const fs::path& data_dir) {
  return "Backup, made by s3link backup, of the data folder\n" + data_dir.string() +
         "\n\n"
         "To restore it, copy s3link.db and objects/ into a new, empty folder, and put your own copies of master.key "
         "and\n"
         "credentials beside them: they are not in here. Then start s3link serve on that folder.\n";
}

/// The folder and those above it that are missing.
Status make_target(const fs::path& target) {
  std::error_code failure;
  if (fs::is_directory(target, failure)) return {};
  fs::create_directories(target, failure);
  if (!failure) fs::permissions(target, fs::perms::owner_all, failure);
  if (failure) return path_error("cannot make", target, failure);
  return {};
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  const auto relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

/// Nothing but an earlier backup of the same folder is ever written over.
Status check_target(const fs::path& target, const fs::path& data_dir) {
  std::error_code failure;
  if (std::ifstream label(target / kLabel); label) {
    const std::string text{std::istreambuf_iterator<char>(label), {}};
    if (text == label_of(data_dir)) return {};
    return fail(ErrorKind::conflict, target.string() + " is the backup of another data folder: see " + kLabel +
                                         " in it; choose another folder, or remove it");
  }
  for (const auto& entry : fs::directory_iterator(target, failure)) {
    const auto name = entry.path().filename();
    if (name != "lock" && name != kLabelDraft && name != "lost+found")
      return fail(ErrorKind::conflict, target.string() + " is neither empty nor a backup made by s3link");
  }
  if (failure) return path_error("cannot list", target, failure);
  return {};
}

Status sync_path(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const int failure = descriptor < 0 || ::fsync(descriptor) != 0 ? errno : 0;
  if (descriptor >= 0) ::close(descriptor);
  if (failure == 0) return {};
  return path_error("cannot sync", path, failure);
}

Status write_label(const fs::path& target, const fs::path& data_dir) {
  const fs::path file = target / kLabel;
  const fs::path draft = target / kLabelDraft;
  std::ofstream label(draft, std::ios::binary | std::ios::trunc);
  label << label_of(data_dir);
  label.close();
  if (!label) return path_error("cannot write", draft, errno);
  if (const Status synced = sync_path(draft); !synced) return synced;
  std::error_code failure;
  fs::rename(draft, file, failure);
  if (failure) return path_error("cannot name", file, failure);
  return sync_path(target);
}

/// Also takes away what would be read together with it: the log of one who served from the target.
Status put_in_place(const fs::path& fresh, const fs::path& database) {
  std::error_code failure;
  for (const char* const suffix : {"-wal", "-shm", "-journal"}) fs::remove(database.string() + suffix, failure);
  if (const Status synced = sync_path(fresh); !synced) return synced;
  fs::rename(fresh, database, failure);
  if (failure) return path_error("cannot name", database, failure);
  return sync_path(database.parent_path());
}

void tell(const BackupHooks& hooks, BackupStep step) {
  if (hooks.reached) hooks.reached(step);
}

/// How often the copy begins anew because a file went that its database names.
constexpr int kMostCopies = 5;

/// What is left of the data folder's disk beside a staged copy of the database: the server refuses uploads before it is
/// full, and its log grows.
constexpr std::uint64_t kSpareBytes = 256ULL << 20;

/// Whether the database can be copied within the data folder.
bool has_space_to_stage(const fs::path& database, const BackupHooks& hooks) {
  std::uint64_t bytes = kSpareBytes;
  for (const char* const suffix : {"", "-wal"}) {
    std::error_code missing;
    const std::uint64_t size = fs::file_size(database.string() + suffix, missing);
    if (!missing) bytes += size;
  }
  if (hooks.free_bytes) return hooks.free_bytes() >= bytes;
  std::error_code failure;
  const fs::space_info disk = fs::space(database.parent_path(), failure);
  return !failure && disk.available >= bytes;
}

/// The database as of one moment, beside the one of the backup before, and the bodies it names. False: as
/// copy_bodies().
Result<bool> copy_moment(const Backup& backup, const fs::path& fresh, const BackupHooks& hooks, const BackupLock& lock,
                         BackupPulse& pulse, BackupReport& report) {
  std::error_code failure;
  for (const char* const suffix : {"", "-wal", "-shm", "-journal"}) fs::remove(fresh.string() + suffix, failure);
  const fs::path database = backup.data_dir / "s3link.db";
  const Status copied = copy_database({.from = database,
                                       .to = fresh,
                                       .staged = has_space_to_stage(database, hooks),
                                       .went_on =
                                           [&](std::uint64_t done, std::uint64_t total) {
                                             if (hooks.database) hooks.database(done, total);
                                             return pulse.beat();
                                           }},
                                      lock);
  if (!copied) return std::unexpected(copied.error());
  tell(hooks, BackupStep::database_copied);
  report = {.database_bytes = fs::file_size(fresh, failure),
            .copied_files = report.copied_files,
            .copied_bytes = report.copied_bytes};
  auto names = Connection::open(fresh, Connection::Mode::reader, nullptr);
  if (!names) return std::unexpected(names.error());
  auto now = Connection::open(database, Connection::Mode::reader, nullptr);
  if (!now) return std::unexpected(now.error());
  return copy_bodies(**names, **now, backup, hooks, pulse, report);
}

/// Under the data folder's lock, which may be taken away: then what was copied may lack files.
Status copy_under_lock(const Backup& backup, const fs::path& fresh, const BackupHooks& hooks, BackupReport& report) {
  auto lock = BackupLock::open(backup.data_dir);
  if (!lock) return std::unexpected(lock.error());
  const auto held = lock->share();
  if (!held) return std::unexpected(held.error());
  BackupPulse pulse(*lock, backup.bounds.max_pause, hooks.stuck);
  for (int copies = 1; copies <= kMostCopies; ++copies) {
    const auto exact = copy_moment(backup, fresh, hooks, *lock, pulse, report);
    if (const Status all_held = pulse.check(); !all_held) return all_held;  // which may be why something was missing
    if (!exact) return std::unexpected(exact.error());
    if (*exact) break;
    if (copies == kMostCopies)
      return fail(ErrorKind::conflict,
                  "files go while they are copied; something else removes files of the data folder");
  }
  return {};
}

/// With everything checked, and the target locked.
Result<BackupReport> copy_all(const Backup& backup, const BackupHooks& hooks) {
  const fs::path database = backup.target / "s3link.db";
  const fs::path fresh = database.string() + ".new";
  BackupReport report;
  if (const Status copied = copy_under_lock(backup, fresh, hooks, report); !copied)
    return std::unexpected(copied.error());
  tell(hooks, BackupStep::bodies_synced);
  if (const Status placed = put_in_place(fresh, database); !placed) return std::unexpected(placed.error());
  tell(hooks, BackupStep::database_in_place);
  auto names = Connection::open(database, Connection::Mode::reader, nullptr);
  if (!names) return std::unexpected(names.error());
  if (const Status pruned = prune_bodies(**names, backup, report); !pruned) return std::unexpected(pruned.error());
  tell(hooks, BackupStep::pruned);
  return report;
}

}  // namespace

Result<BackupReport> back_up(const Backup& backup, const BackupHooks& hooks) {
  if (const Status ours = check_folder_owner(backup.data_dir); !ours) return std::unexpected(ours.error());
  std::error_code failure;
  const fs::path data_dir = fs::canonical(backup.data_dir, failure);
  if (failure) return path_error("cannot find", backup.data_dir, failure);
  const fs::path wanted = fs::weakly_canonical(fs::absolute(backup.target), failure);
  if (failure) return path_error("cannot find", backup.target, failure);
  if (is_inside(wanted, data_dir))
    return fail(ErrorKind::invalid_argument, "a backup cannot be inside the data folder " + data_dir.string());
  const Backup real{.data_dir = data_dir, .target = wanted, .bounds = backup.bounds};

  if (const Status made = make_target(real.target); !made) return std::unexpected(made.error());
  if (const Status right = check_target(real.target, data_dir); !right) return std::unexpected(right.error());
  const auto alone = FolderLock::take(real.target);
  if (!alone) return std::unexpected(alone.error());
  if (const Status labelled = write_label(real.target, data_dir); !labelled) return std::unexpected(labelled.error());
  return copy_all(real, hooks);
}

}  // namespace s3link::sqlite_store
