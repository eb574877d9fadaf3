#pragma once

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "adapters/sqlite_store/file_system.hpp"

namespace s3link::sqlite_store {

/// The real file system, but a chosen call fails, and a power cut can be played: what was not synced is lost.
class FaultyFileSystem final : public FileSystem {
 public:
  enum class Mode {
    count,        ///< nothing fails
    fail_once,    ///< the chosen call
    fail_onwards  ///< the chosen call and all that change something after it
  };

  FaultyFileSystem(Mode mode, int chosen, int number) : mode_(mode), chosen_(chosen), number_(number) {}

  /// Calls so far that change something on the disk.
  int calls() const { return calls_; }
  bool failed() const { return mode_ != Mode::count && calls_ > chosen_; }

  /// With everything closed: takes away files and folders whose names, and bytes of files whose contents were not
  /// synced; gives back files whose removal was not.
  void lose_what_was_not_synced() {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, backup] : removed_) std::filesystem::rename(backup, path);
    for (const auto& path : unsynced_bytes_) {
      if (std::filesystem::exists(path)) std::filesystem::resize_file(path, 0);
    }
    for (const auto& path : unsynced_names_) std::filesystem::remove_all(path);
  }

  /// With everything closed: as if all had been synced.
  void keep_everything() {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, backup] : removed_) std::filesystem::remove(backup);
  }

  int create(const std::string& path, int& descriptor) override {
    if (const int failure = next()) return failure;
    const int result = real_.create(path, descriptor);
    if (result == 0) {
      const std::lock_guard lock(mutex_);
      unsynced_names_.insert(path);
      open_[descriptor] = path;
    }
    return result;
  }
  int open(const std::string& path, int& descriptor) override { return real_.open(path, descriptor); }
  void close(int descriptor) override {
    {
      const std::lock_guard lock(mutex_);
      open_.erase(descriptor);
    }
    real_.close(descriptor);
  }
  int write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> data) override {
    {
      const std::lock_guard lock(mutex_);
      unsynced_bytes_.insert(open_[descriptor]);
    }
    if (const int failure = next()) {
      real_.write_at(descriptor, offset, data.first(data.size() / 2));  // as a full disk does
      return failure;
    }
    return real_.write_at(descriptor, offset, data);
  }
  int read_at(int descriptor, std::uint64_t offset, std::span<std::byte> out, bool cached_only,
              std::size_t& length) override {
    return real_.read_at(descriptor, offset, out, cached_only, length);
  }
  int sync_data(int descriptor) override {
    if (const int failure = next()) return failure;
    const std::lock_guard lock(mutex_);
    unsynced_bytes_.erase(open_[descriptor]);
    return 0;
  }
  int unlink(const std::string& path) override {
    if (const int failure = next()) return failure;
    const std::lock_guard lock(mutex_);
    if (unsynced_names_.erase(path) > 0) return real_.unlink(path);
    const std::string backup = path + ".removed";
    std::error_code failure;
    std::filesystem::rename(path, backup, failure);
    if (failure) return ENOENT;
    removed_[path] = backup;
    return 0;
  }
  int make_folder(const std::string& path) override {
    if (const int failure = next()) return failure;
    const int result = real_.make_folder(path);
    if (result == 0) {
      const std::lock_guard lock(mutex_);
      unsynced_names_.insert(path);
    }
    return result;
  }
  int sync_folder(const std::string& path) override {
    if (const int failure = next()) return failure;
    const std::lock_guard lock(mutex_);
    const auto inside = [&](const std::string& name) { return std::filesystem::path(name).parent_path() == path; };
    std::erase_if(unsynced_names_, inside);
    std::erase_if(removed_, [&](const auto& entry) {
      if (!inside(entry.first)) return false;
      std::filesystem::remove(entry.second);
      return true;
    });
    return 0;
  }
  int list_folder(const std::string& path, const std::function<void(std::string_view)>& each) override {
    return real_.list_folder(path, each);
  }
  int free_bytes(const std::string& path, std::uint64_t& bytes) override {
    bytes = free_;
    return free_ > 0 ? 0 : real_.free_bytes(path, bytes);
  }
  /// What free_bytes() says from now on; 0: the truth.
  void pretend_free_bytes(std::uint64_t bytes) { free_ = bytes; }

 private:
  int next() {
    const std::lock_guard lock(mutex_);
    const int call = calls_++;
    if (mode_ == Mode::fail_once && call == chosen_) return number_;
    if (mode_ == Mode::fail_onwards && call >= chosen_) return number_;
    return 0;
  }

  FileSystem& real_ = real_file_system();
  const Mode mode_;
  const int chosen_;
  const int number_;
  std::atomic<std::uint64_t> free_ = 0;
  mutable std::mutex mutex_;
  int calls_ = 0;
  std::map<int, std::string> open_;
  std::set<std::string> unsynced_names_;
  std::set<std::string> unsynced_bytes_;
  std::map<std::string, std::string> removed_;
};

}  // namespace s3link::sqlite_store
