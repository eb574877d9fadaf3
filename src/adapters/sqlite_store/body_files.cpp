#include "adapters/sqlite_store/body_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <vector>

#include "adapters/sqlite_store/backup_bodies.hpp"
#include "adapters/sqlite_store/schema.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sqlite_store {
namespace {

constexpr unsigned kFilesPerFolder = 1000;
constexpr unsigned kFolders = 1U << 16;
/// Of probe(). One that a killed run left is removed by the next probe there, or swept with its folder.
constexpr std::string_view kProbeName = "probe";

std::string hex_byte(unsigned value) {
  const char byte = static_cast<char>(value);
  return hex_encode(std::string_view(&byte, 1));
}

std::optional<BodyId> parse_file_name(std::string_view name) {
  BodyId id;
  if (name.size() != 2 * id.size()) return std::nullopt;
  const auto raw = hex_decode(name);
  if (!raw) return std::nullopt;
  std::copy(raw->begin(), raw->end(), id.begin());
  return id;
}

/// Files of removed bodies are the cleaner's business: a backup may still want them.
std::set<BodyId> garbage_in(Connection& db, const std::vector<FolderNumber>& folders) {
  const std::set<FolderNumber> open(folders.begin(), folders.end());
  std::set<BodyId> found;
  Query rows = db.query("SELECT file FROM garbage");
  while (!open.empty() && rows.next()) {
    BodyId id;
    const std::string_view file = rows.bytes(0);
    if (file.size() != id.size()) continue;
    std::copy(file.begin(), file.end(), id.begin());
    if (open.contains(folder_of(id))) found.insert(id);
  }
  return found;
}

}  // namespace

PendingFile::~PendingFile() {
  handle_ = FileHandle();
  if (!settled_) files_.discard(id_);
}

Status PendingFile::write_at(std::uint64_t offset, std::span<const std::byte> data) {
  if (const auto room = files_.health_.room_for(data.size()); !room) return room;
  const int failure = files_.files_.write_at(handle_.get(), offset, data);
  if (failure != 0) return std::unexpected(files_.io_error("a body could not be written", failure));
  return {};
}

Status PendingFile::sync() {
  int failure = 0;
  {
    const Stopwatch watch(files_.meter_.body_syncs);
    failure = files_.files_.sync_data(handle_.get());
  }
  if (failure != 0) {
    const Error error = files_.io_error("a body could not be synced", failure);
    if (error.kind != ErrorKind::transient) files_.health_.refuse_writes(error.message);
    return std::unexpected(error);
  }
  handle_ = FileHandle();
  return files_.sync_folder(folder_of(id_));
}

void PendingFile::committed() noexcept {
  settled_ = true;
  files_.settle(folder_of(id_));
}

void PendingFile::outcome_unknown() noexcept { settled_ = true; }  // the folder stays open: the next start decides

BodyFiles::BodyFiles(FileSystem& files, std::string data_dir, CommitQueue& queue, Health& health, StoreMeter& meter,
                     WorkPool& pool)
    : files_(files),
      root_(std::move(data_dir) + "/objects"),
      queue_(queue),
      health_(health),
      meter_(meter),
      pool_(pool) {}

Error BodyFiles::io_error(const char* what, int number) {
  const std::string message =
      std::string(what) + ": " + std::strerror(number);  // NOLINT(concurrency-mt-unsafe): glibc's is
  if (number == ENOSPC || number == EDQUOT) {
    health_.note_disk_full();
    return {ErrorKind::transient, message, "ServiceUnavailable"};
  }
  if (number == EMFILE || number == ENFILE || number == ENOMEM) return {ErrorKind::transient, message, "SlowDown"};
  // The folder is away, as a disk that is not mounted; nothing is lost by it, and it may come back.
  if (number == ENOENT || number == ENOTDIR) return {ErrorKind::transient, message, "ServiceUnavailable"};
  return {ErrorKind::internal, message, ""};
}

std::string BodyFiles::folder_path(FolderNumber folder) const {
  return root_ + "/" + hex_byte(folder >> 8) + "/" + hex_byte(folder & 0xff);
}

std::string BodyFiles::file_path(const BodyId& id) const {
  return folder_path(folder_of(id)) + "/" + hex_encode(id_text(id));
}

Status BodyFiles::sweep(Connection& writer) {
  const std::string data_dir = root_.substr(0, root_.rfind('/'));
  const int made = files_.make_folder(root_);
  if (made != 0 && made != EEXIST) return std::unexpected(io_error("the folder of bodies could not be made", made));
  if (const int failure = files_.sync_folder(data_dir); failure != 0)
    return std::unexpected(io_error("the data folder could not be synced", failure));

  std::vector<FolderNumber> folders;
  {
    Query rows = writer.query("SELECT folder FROM open_folders");
    while (rows.next()) folders.push_back(static_cast<FolderNumber>(rows.integer(0)));
  }
  const auto garbage = garbage_in(writer, folders);
  for (const FolderNumber folder : folders) {
    const auto swept = sweep_folder(writer, folder, garbage);
    if (!swept) return swept;
  }
  if (!folders.empty()) writer.run("DELETE FROM open_folders");
  if (!writer.ok()) return std::unexpected(writer.error());
  return {};
}

Status BodyFiles::sweep_folder(Connection& writer, FolderNumber folder, const std::set<BodyId>& garbage) {
  std::vector<BodyId> present;
  bool probe_left = false;
  const int failure = files_.list_folder(folder_path(folder), [&](std::string_view name) {
    probe_left = probe_left || name == kProbeName;
    const auto id = parse_file_name(name);
    if (id && folder_of(*id) == folder) present.push_back(*id);
  });
  if (failure == ENOENT) return {};  // the run ended before it was made
  if (failure != 0) return std::unexpected(io_error("a folder of bodies could not be listed", failure));
  if (probe_left) files_.unlink(folder_path(folder) + "/" + std::string(kProbeName));
  for (const BodyId& id : present) {
    if (garbage.contains(id)) continue;
    Query row = writer.query("SELECT 1 FROM bodies WHERE small IS NULL AND id=?1", Blob{id_text(id)});
    const bool known = row.next();
    if (!writer.ok()) return std::unexpected(writer.error());
    if (known) continue;
    const auto removed = unlink(id);
    if (!removed) return removed;
  }
  return sync_folder(folder);
}

Result<std::optional<RestoredFolder>> BodyFiles::sweep_restored(Connection& writer) {
  {
    Query mark = writer.query("SELECT 1 FROM meta WHERE name=?1", kRestoredMark);
    if (!mark.next()) {
      if (!writer.ok()) return std::unexpected(writer.error());
      return std::nullopt;
    }
  }
  RestoredFolder found;
  for (unsigned folder = 0; folder < kFolders; ++folder) {
    const auto swept = sweep_restored_folder(writer, static_cast<FolderNumber>(folder), found);
    if (!swept) return std::unexpected(swept.error());
  }
  writer.run("DELETE FROM meta WHERE name=?1", kRestoredMark);
  if (!writer.ok()) return std::unexpected(writer.error());
  return found;
}

Status BodyFiles::sweep_restored_folder(Connection& writer, FolderNumber folder, RestoredFolder& found) {
  std::set<BodyId> named;
  {
    BodyId first{};
    first[0] = static_cast<unsigned char>(folder >> 8);
    first[1] = static_cast<unsigned char>(folder & 0xff);
    BodyId last = first;
    std::fill(last.begin() + 2, last.end(), 0xff);
    Query rows = writer.query("SELECT id FROM bodies WHERE small IS NULL AND id BETWEEN ?1 AND ?2",
                              Blob{id_text(first)}, Blob{id_text(last)});
    while (rows.next()) {
      BodyId id;
      const std::string_view text = rows.bytes(0);
      if (text.size() != id.size()) return fail(ErrorKind::corrupt, "a row of bodies has no body id");
      std::copy(text.begin(), text.end(), id.begin());
      named.insert(id);
    }
    if (!writer.ok()) return std::unexpected(writer.error());
  }
  std::vector<std::string> unnamed;
  const int failure = files_.list_folder(folder_path(folder), [&](std::string_view name) {
    const bool draft = name.ends_with(kBackupDraft);
    const auto id = parse_file_name(draft ? name.substr(0, name.size() - kBackupDraft.size()) : name);
    if (!id || folder_of(*id) != folder) return;  // not one of ours
    if (draft || named.erase(*id) == 0) unnamed.emplace_back(name);
  });
  found.missing_files += named.size();
  if (failure == ENOENT) return {};
  if (failure != 0) return std::unexpected(io_error("a folder of bodies could not be listed", failure));
  for (const std::string& name : unnamed) {
    const int kept = files_.unlink(folder_path(folder) + "/" + name);
    if (kept != 0 && kept != ENOENT) return std::unexpected(io_error("a body file could not be removed", kept));
    ++found.unnamed_files;
  }
  return unnamed.empty() ? Status() : sync_folder(folder);
}

void BodyFiles::close_current_folder() {
  const std::lock_guard opening(opening_);
  const std::lock_guard lock(mutex_);
  if (!current_) return;
  const FolderNumber folder = *current_;
  current_.reset();
  if (open_folders_[folder].unsettled == 0) close_folder(folder);
}

Result<std::unique_ptr<PendingFile>> BodyFiles::create() {
  const auto folder = reserve();
  if (!folder) return std::unexpected(folder.error());
  BodyId id;
  fill_random(id);
  id[0] = static_cast<unsigned char>(*folder >> 8);
  id[1] = static_cast<unsigned char>(*folder & 0xff);
  int descriptor = -1;
  int failure = files_.create(file_path(id), descriptor);
  if (failure == ENOENT && make_folders(*folder)) failure = files_.create(file_path(id), descriptor);
  if (failure != 0) {
    settle(*folder);
    return std::unexpected(io_error("a body file could not be created", failure));
  }
  auto file = std::make_unique<PendingFile>(*this, id, FileHandle(files_, descriptor));
  if (const auto headed = file->write_at(0, as_bytes(kBodyHeader)); !headed) return std::unexpected(headed.error());
  return file;
}

Result<FileHandle> BodyFiles::create_probe(std::string& path) {
  std::string folder = root_;
  {
    const std::lock_guard lock(mutex_);
    if (current_) folder = folder_path(*current_);
  }
  int descriptor = -1;
  int failure = ENOENT;
  // A folder that was removed is made again by the next upload, if it can.
  for (const std::string& place : {folder, root_}) {
    if (failure != ENOENT) break;
    path = place + "/" + std::string(kProbeName);
    failure = files_.create(path, descriptor);
    if (failure != EEXIST) continue;
    files_.unlink(path);
    failure = files_.create(path, descriptor);
  }
  if (failure == ENOSPC && health_.room_beside_reserve(0))
    return fail(ErrorKind::transient,
                "no file can be made in objects/ though there is space: its file system has no inodes left (df -i)",
                "ServiceUnavailable");
  if (failure != 0) return std::unexpected(io_error("no file can be made in objects/", failure));
  return FileHandle(files_, descriptor);
}

Status BodyFiles::write_probe(const FileHandle& file, const std::string& path) {
  if (const int failure = files_.write_at(file.get(), 0, as_bytes(kBodyHeader)); failure != 0)
    return std::unexpected(io_error("a file in objects/ cannot be written", failure));
  if (const int failure = files_.sync_data(file.get()); failure != 0)
    return std::unexpected(io_error("a file in objects/ cannot be synced", failure));
  int descriptor = -1;
  if (const int failure = files_.open(path, descriptor); failure != 0)
    return std::unexpected(io_error("a file in objects/ cannot be opened", failure));
  const FileHandle again(files_, descriptor);
  std::array<std::byte, kHeaderBytes> header;
  std::size_t length = 0;
  if (const int failure = files_.read_at(descriptor, 0, header, false, length); failure != 0)
    return std::unexpected(io_error("a file in objects/ cannot be read", failure));
  if (length != header.size() || as_text(header) != kBodyHeader)
    return fail(ErrorKind::internal, "a file in objects/ does not hold what was written to it");
  return {};
}

Status BodyFiles::probe() {
  std::string path;
  auto file = create_probe(path);
  if (!file) return std::unexpected(file.error());
  Status done = write_probe(*file, path);
  *file = FileHandle();
  const int failure = files_.unlink(path);
  if (done && failure != 0 && failure != ENOENT)
    done = std::unexpected(io_error("a file in objects/ cannot be removed", failure));
  return done;
}

Status BodyFiles::probe_rights(const BodyId& id) {
  int descriptor = -1;
  const int failure = files_.open(file_path(id), descriptor);
  if (failure == 0) files_.close(descriptor);
  if (failure != EACCES && failure != EPERM) return {};
  return std::unexpected(io_error("stored files in objects/ cannot be opened", failure));
}

Result<FileHandle> BodyFiles::open(const BodyId& id) {
  int descriptor = -1;
  const int failure = files_.open(file_path(id), descriptor);
  if (failure == ENOENT) return fail(ErrorKind::not_found, "a body file is missing");
  if (failure == ELOOP) return fail(ErrorKind::corrupt, "a body file is no regular file");
  if (failure != 0) return std::unexpected(io_error("a body file could not be opened", failure));
  FileHandle handle(files_, descriptor);
  std::array<std::byte, kHeaderBytes> header;
  std::size_t length = 0;
  if (const int unread = files_.read_at(descriptor, 0, header, false, length); unread != 0)
    return std::unexpected(io_error("a body file could not be read", unread));
  if (length != header.size() || as_text(header) != kBodyHeader)
    return fail(ErrorKind::corrupt, "a body file does not begin as version 1 does");
  return handle;
}

Status BodyFiles::unlink(const BodyId& id) {
  const int failure = files_.unlink(file_path(id));
  if (failure != 0 && failure != ENOENT) return std::unexpected(io_error("a body file could not be removed", failure));
  return {};
}

Status BodyFiles::sync_path(const std::string& path) {
  int failure = 0;
  {
    const Stopwatch watch(meter_.folder_syncs);
    failure = files_.sync_folder(path);
  }
  if (failure == 0) return {};
  const Error error = io_error("a folder could not be synced", failure);
  if (error.kind != ErrorKind::transient) health_.refuse_writes(error.message);
  return std::unexpected(error);
}

Status BodyFiles::sync_folder(FolderNumber folder) {
  std::unique_lock lock(sync_mutex_);
  FolderSync& sync = syncs_[folder];
  ++sync.users;
  const std::uint64_t ticket = ++sync.asked;
  Status result;
  while (result && sync.done < ticket) {
    if (sync.running) {
      synced_.wait(lock);
      continue;
    }
    sync.running = true;
    const std::uint64_t covered = sync.asked;
    lock.unlock();
    result = sync_path(folder_path(folder));
    lock.lock();
    sync.running = false;
    if (result) sync.done = covered;
    synced_.notify_all();
  }
  if (--sync.users == 0) syncs_.erase(folder);
  return result;
}

/// Counts a file into the current folder.
Result<FolderNumber> BodyFiles::reserve() {
  const std::lock_guard opening(opening_);
  std::unique_lock lock(mutex_);
  if (current_ && open_folders_[*current_].created >= kFilesPerFolder) {
    const FolderNumber full = *current_;
    current_.reset();
    if (open_folders_[full].unsettled == 0) close_folder(full);
  }
  if (!current_) {
    lock.unlock();
    const auto opened = open_new_folder();
    if (!opened) return std::unexpected(opened.error());
    lock.lock();
  }
  OpenFolder& folder = open_folders_[*current_];
  ++folder.unsettled;
  ++folder.created;
  return *current_;
}

/// With opening_ held. The folder is known to the database before anything is in it.
Status BodyFiles::open_new_folder() {
  FolderNumber folder = 0;
  do {
    std::array<unsigned char, 2> random;
    fill_random(random);
    folder = static_cast<FolderNumber>((random[0] << 8) | random[1]);
  } while ([&] {
    const std::lock_guard lock(mutex_);
    return open_folders_.contains(folder);
  }());
  const Status noted = queue_.run_and_wait([folder](WriteTransaction& transaction) {
    transaction.db().run("INSERT OR IGNORE INTO open_folders VALUES(?1)", folder);
    return Status{};
  });
  if (!noted) return noted;
  const Status made = make_folders(folder);
  const std::lock_guard lock(mutex_);
  if (!made) {
    close_folder(folder);
    return made;
  }
  open_folders_[folder] = {};
  current_ = folder;
  return {};
}

/// Each folder's name is synced into the one above it.
Status BodyFiles::make_folders(FolderNumber folder) {
  const std::string outer = root_ + "/" + hex_byte(folder >> 8);
  for (const auto& [path, above] : {std::pair(outer, root_), std::pair(folder_path(folder), outer)}) {
    const int failure = files_.make_folder(path);
    if (failure != 0 && failure != EEXIST) return std::unexpected(io_error("a folder could not be made", failure));
    const auto synced = sync_path(above);  // one that exists may have been made by a run that ended before its sync
    if (!synced) return synced;
  }
  return {};
}

void BodyFiles::settle(FolderNumber folder) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = open_folders_.find(folder);
  if (found == open_folders_.end()) return;
  if (--found->second.unsettled == 0 && current_ != folder) close_folder(folder);
}

/// With mutex_ held: every file in the folder has a row or is gone.
void BodyFiles::close_folder(FolderNumber folder) {
  open_folders_.erase(folder);
  queue_.post([folder](WriteTransaction& transaction) {
    transaction.db().run("DELETE FROM open_folders WHERE folder=?1", folder);
    return Status{};
  });
}

/// Unlinks a file that was never visible, off the caller's thread. Synced, because a power cut could bring it back when
/// its folder is no longer looked through.
void BodyFiles::discard(const BodyId& id) noexcept {
  pool_.post([this, id] {
    const FolderNumber folder = folder_of(id);
    if (unlink(id) && sync_folder(folder)) settle(folder);  // else the folder stays open: the next start tries again
  });
}

}  // namespace s3link::sqlite_store
