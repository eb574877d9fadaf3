#include "adapters/sqlite_store/simulated_disk_test.hpp"

#include <sqlite3.h>

#include <atomic>
#include <cerrno>
#include <new>
#include <utility>

#include "core/base/encoding.hpp"

namespace s3link::sqlite_store {

namespace fs = std::filesystem;

/// The VFS of one disk. SQLite hands it back to each call.
struct SimulatedDisk::Vfs : sqlite3_vfs {
  SimulatedDisk* disk = nullptr;
  std::string its_name;
};

namespace {

sqlite3_vfs* real_vfs() { return sqlite3_vfs_find("unix"); }

}  // namespace

/// A database or a log that is open. SQLite allocates szOsFile bytes for it; the real file follows it.
struct DatabaseFile {
  sqlite3_file base;
  SimulatedDisk* disk;
  DiskLog::File file;
  /// As in SQLite's own VFS: the first sync of a new log syncs the folder, too, and nobody asks how that went.
  bool folder_unsynced;

  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  const sqlite3_io_methods& methods() { return *real()->pMethods; }

  static DatabaseFile& of(sqlite3_file* file) { return *reinterpret_cast<DatabaseFile*>(file); }
  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags);
  static int remove(sqlite3_vfs* vfs, const char* path, int sync_folder);

  int close() { return real()->pMethods == nullptr ? SQLITE_OK : methods().xClose(real()); }

  int write(const void* from, int size, sqlite3_int64 at) {
    const std::lock_guard lock(disk->mutex_);
    const int failure = disk->next_write();
    if (failure == EIO) return SQLITE_IOERR_WRITE;
    const int written = failure == 0 ? size : size / 2;
    const auto data = std::span(static_cast<const std::byte*>(from), static_cast<std::size_t>(written));
    const int code = written == 0 ? SQLITE_OK : methods().xWrite(real(), from, written, at);
    if (code != SQLITE_OK) return code;
    if (written > 0) disk->log_.write(file, static_cast<std::uint64_t>(at), data);
    disk->changed();
    return failure == 0 ? SQLITE_OK : SQLITE_FULL;
  }

  int truncate(sqlite3_int64 size) {
    const std::lock_guard lock(disk->mutex_);
    if (disk->other_change() != 0) return SQLITE_IOERR_TRUNCATE;
    const int code = methods().xTruncate(real(), size);
    if (code == SQLITE_OK) disk->log_.truncate(file, static_cast<std::uint64_t>(size));
    disk->changed();
    return code;
  }

  int sync() {
    const std::lock_guard lock(disk->mutex_);
    if (disk->next_sync(disk->log_.name_of(file)) != 0) {
      if (disk->other_change() == 0) disk->log_.sync_failed(file);
      return SQLITE_IOERR_FSYNC;
    }
    disk->log_.sync(file);
    if (std::exchange(folder_unsynced, false) && disk->next_sync("") == 0) disk->log_.sync_folder("");
    disk->changed();
    return SQLITE_OK;
  }
};

namespace {

using F = sqlite3_file;

constexpr sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = [](F* f) { return DatabaseFile::of(f).close(); },
    .xRead =
        [](F* f, void* to, int size, sqlite3_int64 at) {
          return DatabaseFile::of(f).methods().xRead(DatabaseFile::of(f).real(), to, size, at);
        },
    .xWrite = [](F* f, const void* from, int size,
                 sqlite3_int64 at) { return DatabaseFile::of(f).write(from, size, at); },
    .xTruncate = [](F* f, sqlite3_int64 size) { return DatabaseFile::of(f).truncate(size); },
    .xSync = [](F* f, int) { return DatabaseFile::of(f).sync(); },
    .xFileSize =
        [](F* f, sqlite3_int64* size) {
          return DatabaseFile::of(f).methods().xFileSize(DatabaseFile::of(f).real(), size);
        },
    .xLock = [](F* f, int level) { return DatabaseFile::of(f).methods().xLock(DatabaseFile::of(f).real(), level); },
    .xUnlock = [](F* f, int level) { return DatabaseFile::of(f).methods().xUnlock(DatabaseFile::of(f).real(), level); },
    .xCheckReservedLock =
        [](F* f, int* out) {
          return DatabaseFile::of(f).methods().xCheckReservedLock(DatabaseFile::of(f).real(), out);
        },
    .xFileControl =
        [](F* f, int op, void* argument) {
          return DatabaseFile::of(f).methods().xFileControl(DatabaseFile::of(f).real(), op, argument);
        },
    .xSectorSize = [](F* f) { return DatabaseFile::of(f).methods().xSectorSize(DatabaseFile::of(f).real()); },
    .xDeviceCharacteristics =
        [](F* f) { return DatabaseFile::of(f).methods().xDeviceCharacteristics(DatabaseFile::of(f).real()); },
    .xShmMap =
        [](F* f, int page, int size, int extend, void volatile** out) {
          return DatabaseFile::of(f).methods().xShmMap(DatabaseFile::of(f).real(), page, size, extend, out);
        },
    .xShmLock =
        [](F* f, int offset, int n, int flags) {
          return DatabaseFile::of(f).methods().xShmLock(DatabaseFile::of(f).real(), offset, n, flags);
        },
    .xShmBarrier = [](F* f) { DatabaseFile::of(f).methods().xShmBarrier(DatabaseFile::of(f).real()); },
    .xShmUnmap = [](F* f,
                    int remove) { return DatabaseFile::of(f).methods().xShmUnmap(DatabaseFile::of(f).real(), remove); },
    .xFetch = nullptr,
    .xUnfetch = nullptr};

}  // namespace

int DatabaseFile::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  constexpr int kPlayed = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
  if (path == nullptr || (flags & kPlayed) == 0) return SQLITE_CANTOPEN;  // the store's temporary files are in memory
  SimulatedDisk& disk = *static_cast<SimulatedDisk::Vfs*>(vfs)->disk;
  const std::lock_guard lock(disk.mutex_);
  auto* const ours = new (file) DatabaseFile{.base = {}, .disk = &disk, .file = 0, .folder_unsynced = false};
  const DiskLog::Path name = disk.relative(path);
  const bool made = !disk.log_.has(name);
  if (made && (flags & SQLITE_OPEN_CREATE) != 0 && disk.next_write() != 0) return SQLITE_CANTOPEN;
  const int code = real_vfs()->xOpen(real_vfs(), path, ours->real(), flags, out_flags);
  if (code != SQLITE_OK) return code;
  ours->base.pMethods = &kMethods;
  ours->file = made ? disk.log_.create(name) : disk.log_.find(name);
  ours->folder_unsynced = made && (flags & SQLITE_OPEN_MAIN_DB) == 0;
  return SQLITE_OK;
}

int DatabaseFile::remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
  SimulatedDisk& disk = *static_cast<SimulatedDisk::Vfs*>(vfs)->disk;
  const std::lock_guard lock(disk.mutex_);
  if (disk.other_change() != 0) return SQLITE_IOERR_DELETE;
  const int code = real_vfs()->xDelete(real_vfs(), path, 0);
  if (code != SQLITE_OK) return code;
  const DiskLog::Path name = disk.relative(path);
  if (disk.log_.has(name)) disk.log_.unlink(name);
  if (sync_folder != 0) {
    if (disk.next_sync("") != 0) return SQLITE_IOERR_DIR_FSYNC;
    disk.log_.sync_folder("");
  }
  disk.changed();
  return SQLITE_OK;
}

SimulatedDisk::SimulatedDisk(fs::path folder, Fault fault)
    : folder_(std::move(folder)), fault_(fault), log_(folder_), vfs_(std::make_unique<Vfs>()) {
  static std::atomic<int> count = 0;
  static_cast<sqlite3_vfs&>(*vfs_) = *real_vfs();
  vfs_->disk = this;
  vfs_->its_name = "s3link-disk-" + std::to_string(++count);
  vfs_->zName = vfs_->its_name.c_str();
  vfs_->szOsFile += static_cast<int>(sizeof(DatabaseFile));
  vfs_->pNext = nullptr;
  vfs_->xOpen = DatabaseFile::open;
  vfs_->xDelete = DatabaseFile::remove;
  sqlite3_vfs_register(vfs_.get(), 0);
}

SimulatedDisk::~SimulatedDisk() { sqlite3_vfs_unregister(vfs_.get()); }

StoreHooks SimulatedDisk::hooks(std::function<Instant()> now) {
  return {.files = this, .sqlite_vfs = vfs_->zName, .now = std::move(now), .log_pages_to_write_back = 60};
}

void SimulatedDisk::repair() {
  const std::lock_guard lock(mutex_);
  fault_.what = Fails::nothing;
}

void SimulatedDisk::freeze() {
  const std::lock_guard lock(mutex_);
  frozen_ = true;
}

void SimulatedDisk::thaw() {
  const std::lock_guard lock(mutex_);
  frozen_ = false;
}

void SimulatedDisk::fail_next_sync_of(DiskLog::Path path) {
  const std::lock_guard lock(mutex_);
  doomed_ = std::move(path);
}

bool SimulatedDisk::failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

std::uint64_t SimulatedDisk::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

std::uint64_t SimulatedDisk::writes() const {
  const std::lock_guard lock(mutex_);
  return writes_;
}

std::size_t SimulatedDisk::position() const {
  const std::lock_guard lock(mutex_);
  return log_.size();
}

void SimulatedDisk::leave(const DiskLog::Cut& cut, const fs::path& target) const {
  const std::lock_guard lock(mutex_);
  log_.leave(cut, target);
}

bool SimulatedDisk::wait_until(const std::function<bool()>& state, std::chrono::seconds most) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, most, state);
}

bool SimulatedDisk::wait_until_written(const DiskLog::Path& path, std::size_t after) const {
  return wait_until([&] {
    for (std::size_t i = after; i < log_.size(); ++i) {
      if (log_.describe(i).starts_with("write " + path + " ")) return true;
    }
    return false;
  });
}

bool SimulatedDisk::wait_until_file_is_empty(const DiskLog::Path& path) const {
  return wait_until([&] { return fs::file_size(folder_ / path) == 0; });
}

DiskLog::Path SimulatedDisk::relative(const std::string& path) const {
  return fs::path(path).lexically_relative(folder_).lexically_normal().string();
}

bool SimulatedDisk::hits(Fails what, std::uint64_t number) {
  const bool hit = fault_.what == what && (fault_.lasting ? number >= fault_.first : number == fault_.first);
  failed_ = failed_ || hit;
  return hit;
}
int SimulatedDisk::next_write() {
  if (frozen_) return EIO;
  return hits(Fails::space, writes_++) ? ENOSPC : 0;
}
int SimulatedDisk::next_sync(const DiskLog::Path& path) {
  if (frozen_) return EIO;
  if (!doomed_.empty() && path == doomed_) {
    doomed_.clear();
    failed_ = true;
    return EIO;
  }
  return hits(Fails::sync, syncs_++) ? EIO : 0;
}
bool SimulatedDisk::full() const { return fault_.what == Fails::space && fault_.lasting && writes_ > fault_.first; }

int SimulatedDisk::create(const std::string& path, int& descriptor) {
  const std::lock_guard lock(mutex_);
  if (const int failure = next_write()) return failure;
  const int result = real_.create(path, descriptor);
  if (result == 0) open_[descriptor] = log_.create(relative(path));
  changed();
  return result;
}

int SimulatedDisk::open(const std::string& path, int& descriptor) { return real_.open(path, descriptor); }

void SimulatedDisk::close(int descriptor) {
  const std::lock_guard lock(mutex_);
  open_.erase(descriptor);
  real_.close(descriptor);
}

int SimulatedDisk::write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> data) {
  const std::lock_guard lock(mutex_);
  const int failure = next_write();
  if (failure == EIO) return failure;
  if (failure != 0) data = data.first(data.size() / 2);
  const int result = real_.write_at(descriptor, offset, data);
  if (result == 0) log_.write(open_.at(descriptor), offset, data);
  changed();
  return failure != 0 ? failure : result;
}

int SimulatedDisk::read_at(int descriptor, std::uint64_t offset, std::span<std::byte> out, bool cached_only,
                           std::size_t& length) {
  return real_.read_at(descriptor, offset, out, cached_only, length);
}

int SimulatedDisk::sync_data(int descriptor) {
  const std::lock_guard lock(mutex_);
  if (const int failure = next_sync(log_.name_of(open_.at(descriptor)))) {
    if (!frozen_) log_.sync_failed(open_.at(descriptor));
    return failure;
  }
  log_.sync(open_.at(descriptor));
  changed();
  return 0;
}

int SimulatedDisk::unlink(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const int failure = other_change()) return failure;
  const int result = real_.unlink(path);
  if (result == 0) log_.unlink(relative(path));
  changed();
  return result;
}

int SimulatedDisk::make_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const int failure = next_write()) return failure;
  const int result = real_.make_folder(path);
  if (result == 0) log_.make_folder(relative(path));
  changed();
  return result;
}

int SimulatedDisk::sync_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (const int failure = next_sync(relative(path))) return failure;
  const DiskLog::Path name = relative(path);
  log_.sync_folder(name == "." ? "" : name);
  changed();
  return 0;
}

int SimulatedDisk::list_folder(const std::string& path, const std::function<void(std::string_view)>& each) {
  return real_.list_folder(path, each);
}

int SimulatedDisk::free_bytes(const std::string&, std::uint64_t& bytes) {
  const std::lock_guard lock(mutex_);
  bytes = full() ? 0 : std::uint64_t{1} << 40;
  return 0;
}

}  // namespace s3link::sqlite_store
