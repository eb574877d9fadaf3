#include "adapters/sqlite_store/disk_log_test.hpp"

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>
#include <utility>

#include "core/base/encoding.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSectorBytes = 512;

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

void put_at(std::string& contents, std::uint64_t offset, std::string_view data) {
  if (contents.size() < offset + data.size()) contents.resize(offset + data.size(), '\0');
  contents.replace(offset, data.size(), data);
}

/// Draws that are the same on every machine: the standard's distributions are not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool coin() { return below(2) == 0; }

 private:
  std::mt19937_64 engine_;
};

fs::path parent(const std::string& path) { return fs::path(path).parent_path(); }

}  // namespace

std::string_view to_string(DiskLog::Loss loss) {
  switch (loss) {
    case DiskLog::Loss::dropped:
      return "dropped";
    case DiskLog::Loss::reordered:
      return "reordered";
    case DiskLog::Loss::torn:
      return "torn";
    case DiskLog::Loss::garbage:
      return "garbage";
  }
  return "";
}

/// The disk as it becomes entry by entry.
class DiskLog::Replay {
 public:
  Replay(const DiskLog& log, const Cut& cut)
      : loss_(cut.loss), dice_(cut.seed), names_(log.first_names_), files_(log.called_.size()) {
    for (File file = 0; file < log.first_contents_.size(); ++file) files_[file].contents = log.first_contents_[file];
    for (std::size_t i = 0; i < cut.after; ++i) apply(log.entries_[i]);
    for (auto& file : files_) lose(file);
    for (const Entry* change : changes_) {
      if (loss_ == Loss::garbage || (loss_ != Loss::dropped && dice_.coin())) rename(*change);
    }
  }

  void write_to(const fs::path& target) const {
    for (const auto& [path, file] : names_) {
      if (!parents_are_there(path)) continue;
      if (file == kFolder) {
        fs::create_directory(target / path);
      } else {
        std::ofstream out(target / path, std::ios::binary);
        out << files_[file].contents;
      }
    }
  }

 private:
  struct State {
    std::string contents;               ///< on the disk
    std::vector<const Entry*> pending;  ///< writes and truncations since
  };

  bool parents_are_there(const Path& path) const {
    for (fs::path above = parent(path); !above.empty(); above = above.parent_path()) {
      if (!names_.contains(above.string())) return false;
    }
    return true;
  }

  void apply(const Entry& entry) {
    switch (entry.kind) {
      case Kind::create:
      case Kind::make_folder:
      case Kind::unlink:
        changes_.push_back(&entry);
        break;
      case Kind::write:
      case Kind::truncate:
        files_[entry.file].pending.push_back(&entry);
        break;
      case Kind::sync:
        keep_all(files_[entry.file]);
        break;
      case Kind::sync_failed:
        lose(files_[entry.file]);
        break;
      case Kind::sync_folder:
        std::erase_if(changes_, [&](const Entry* change) {
          const bool inside = parent(change->path) == entry.path;
          if (inside) rename(*change);
          return inside;
        });
        break;
    }
  }

  void rename(const Entry& change) {
    if (change.kind == Kind::unlink) {
      names_.erase(change.path);
    } else {
      names_[change.path] = change.kind == Kind::make_folder ? kFolder : change.file;
    }
  }

  static void keep(State& state, const Entry& entry) {
    if (entry.kind == Kind::truncate) {
      state.contents.resize(entry.offset, '\0');
    } else {
      put_at(state.contents, entry.offset, entry.data);
    }
  }
  static void keep_all(State& state) {
    for (const Entry* entry : state.pending) keep(state, *entry);
    state.pending.clear();
  }

  void lose(State& state) {
    for (const Entry* entry : state.pending) {
      if (loss_ == Loss::reordered && dice_.coin()) keep(state, *entry);
      if (loss_ == Loss::torn && dice_.coin()) tear(state, *entry);
      if (loss_ == Loss::garbage) spoil(state, *entry);
    }
    state.pending.clear();
  }

  void tear(State& state, const Entry& entry) {
    if (entry.kind == Kind::truncate || dice_.below(3) == 0) return keep(state, entry);
    const std::string_view data = entry.data;
    if (dice_.coin()) return put_at(state.contents, entry.offset, data.substr(0, dice_.below(data.size() + 1)));
    // Sectors are the disk's, not the write's.
    for (std::size_t at = 0; at < data.size();) {
      const std::size_t length = std::min(kSectorBytes - (entry.offset + at) % kSectorBytes, data.size() - at);
      if (dice_.coin()) put_at(state.contents, entry.offset + at, data.substr(at, length));
      at += length;
    }
  }

  /// Only what lies behind the end of the file may be anything.
  void spoil(State& state, const Entry& entry) {
    if (entry.kind == Kind::truncate || entry.offset + entry.data.size() <= state.contents.size()) return;
    const std::size_t old_size = state.contents.size();
    state.contents.resize(entry.offset + entry.data.size(), '\0');
    for (std::size_t at = old_size; at < state.contents.size(); at += kSectorBytes) {
      const std::size_t length = std::min(kSectorBytes, state.contents.size() - at);
      switch (dice_.below(3)) {
        case 0:
          break;  // zeros
        case 1:
          for (std::size_t i = 0; i < length; ++i) state.contents[at + i] = static_cast<char>(dice_.below(256));
          break;
        default:
          for (std::size_t i = at; i < at + length; ++i) {
            if (i >= entry.offset) state.contents[i] = entry.data[i - entry.offset];
          }
      }
    }
  }

  const Loss loss_;
  Dice dice_;
  std::map<Path, File> names_;
  std::vector<State> files_;
  std::vector<const Entry*> changes_;  ///< of names, unsynced
};

DiskLog::DiskLog(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const Path path = fs::relative(entry.path(), folder).string();
    if (entry.is_directory()) {
      names_[path] = kFolder;
      continue;
    }
    names_[path] = called_.size();
    called_.push_back(path);
    first_contents_.push_back(read_file(entry.path()));
  }
  first_names_ = names_;
}

DiskLog::File DiskLog::create(Path path) {
  const File file = called_.size();
  called_.push_back(path);
  names_[path] = file;
  add({.kind = Kind::create, .path = std::move(path), .file = file, .data = {}});
  return file;
}

void DiskLog::make_folder(Path path) {
  names_[path] = kFolder;
  add({.kind = Kind::make_folder, .path = std::move(path), .data = {}});
}

void DiskLog::unlink(const Path& path) {
  names_.erase(path);
  add({.kind = Kind::unlink, .path = path, .data = {}});
}

void DiskLog::write(File file, std::uint64_t offset, std::span<const std::byte> data) {
  add({.kind = Kind::write, .path = called_[file], .file = file, .offset = offset, .data = std::string(as_text(data))});
}

void DiskLog::truncate(File file, std::uint64_t size) {
  add({.kind = Kind::truncate, .path = called_[file], .file = file, .offset = size, .data = {}});
}

void DiskLog::sync(File file) { add({.kind = Kind::sync, .path = called_[file], .file = file, .data = {}}); }

void DiskLog::sync_failed(File file) {
  add({.kind = Kind::sync_failed, .path = called_[file], .file = file, .data = {}});
}

void DiskLog::sync_folder(Path path) { add({.kind = Kind::sync_folder, .path = std::move(path), .data = {}}); }

bool DiskLog::is_sync(std::size_t entry) const {
  const Kind kind = entries_.at(entry).kind;
  return kind == Kind::sync || kind == Kind::sync_failed || kind == Kind::sync_folder;
}

std::string DiskLog::describe(std::size_t entry) const {
  static constexpr std::string_view kWords[] = {"create",   "make_folder", "unlink",      "write",
                                                "truncate", "sync",        "sync_failed", "sync_folder"};
  const Entry& about = entries_.at(entry);
  std::string text = std::string(kWords[static_cast<std::size_t>(about.kind)]) + " " + about.path;
  if (about.kind == Kind::write) text += " " + std::to_string(about.offset) + "+" + std::to_string(about.data.size());
  if (about.kind == Kind::truncate) text += " " + std::to_string(about.offset);
  return text;
}

void DiskLog::leave(const Cut& cut, const fs::path& target) const { Replay(*this, cut).write_to(target); }

}  // namespace s3link::sqlite_store
