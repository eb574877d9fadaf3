#include "adapters/sqlite_store/faulty_vfs_test.hpp"

#include <sqlite3.h>

#include <cstdlib>
#include <new>

namespace s3link::sqlite_store {
namespace {

struct State {
  std::atomic<FaultyVfs::Fault> fault = FaultyVfs::Fault::none;
  std::atomic<int> chosen = 0;
  std::atomic<int> calls = 0;
  std::atomic<int> reads = 0;
  std::atomic<bool> failed = false;
};
State state;

enum class Call { write, sync };

/// SQLite's result code for this call; SQLITE_OK: let it through.
int next(Call call) {
  using Fault = FaultyVfs::Fault;
  const int number = state.calls++;
  const bool chosen = number == state.chosen;
  const bool after = number >= state.chosen;
  int code = SQLITE_OK;
  switch (state.fault) {
    case Fault::none:
    case Fault::read_once:
    case Fault::read_onwards:
      break;
    case Fault::full_once:
      if (chosen && call == Call::write) code = SQLITE_FULL;
      break;
    case Fault::full_onwards:
      if (after && call == Call::write) code = SQLITE_FULL;
      break;
    case Fault::sync_once:
      if (after && call == Call::sync && !state.failed) code = SQLITE_IOERR_FSYNC;
      break;
    case Fault::io_onwards:
      if (after) code = call == Call::write ? SQLITE_IOERR_WRITE : SQLITE_IOERR_FSYNC;
      break;
  }
  if (code != SQLITE_OK) state.failed = true;
  return code;
}

bool next_read_fails() {
  using Fault = FaultyVfs::Fault;
  const int number = state.reads++;
  const bool fails = (state.fault == Fault::read_once && number == state.chosen) ||
                     (state.fault == Fault::read_onwards && number >= state.chosen);
  if (fails) state.failed = true;
  return fails;
}

/// SQLite allocates szOsFile bytes for this; the real file follows it.
struct File {
  sqlite3_file base;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real(); }

int close(sqlite3_file* f) { return real(f)->pMethods == nullptr ? SQLITE_OK : real(f)->pMethods->xClose(real(f)); }
int read(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  if (next_read_fails()) return SQLITE_IOERR_READ;
  return real(f)->pMethods->xRead(real(f), to, size, at);
}
int write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  if (const int code = next(Call::write)) return code;
  return real(f)->pMethods->xWrite(real(f), from, size, at);
}
int truncate(sqlite3_file* f, sqlite3_int64 size) {
  if (const int code = next(Call::write)) return code;
  return real(f)->pMethods->xTruncate(real(f), size);
}
int sync(sqlite3_file* f, int flags) {
  if (const int code = next(Call::sync)) return code;
  return real(f)->pMethods->xSync(real(f), flags);
}
int file_size(sqlite3_file* f, sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); }
int lock(sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); }
int unlock(sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); }
int check_lock(sqlite3_file* f, int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); }
int control(sqlite3_file* f, int op, void* argument) { return real(f)->pMethods->xFileControl(real(f), op, argument); }
int sector_size(sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); }
int characteristics(sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); }
int shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
  return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}
int shm_lock(sqlite3_file* f, int offset, int n, int flags) {
  return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}
void shm_barrier(sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); }
int shm_unmap(sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); }

constexpr sqlite3_io_methods kMethods = {
    2,         close,      read,    write,       truncate,        sync,    file_size, lock,
    unlock,    check_lock, control, sector_size, characteristics, shm_map, shm_lock,  shm_barrier,
    shm_unmap, nullptr,    nullptr};

sqlite3_vfs* default_vfs() { return sqlite3_vfs_find("unix"); }

int open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  auto* const ours = new (file) File{};
  const int code = default_vfs()->xOpen(default_vfs(), path, ours->real(), flags, out_flags);
  ours->base.pMethods = code == SQLITE_OK ? &kMethods : nullptr;
  return code;
}

sqlite3_vfs make_vfs() {
  sqlite3_vfs vfs = *default_vfs();
  vfs.szOsFile += static_cast<int>(sizeof(File));
  vfs.pNext = nullptr;
  vfs.zName = FaultyVfs::name();
  vfs.xOpen = open;
  return vfs;
}

}  // namespace

const char* FaultyVfs::name() { return "s3link-faulty"; }
int FaultyVfs::calls() { return state.calls; }
int FaultyVfs::reads() { return state.reads; }
void FaultyVfs::repair() { state.fault = Fault::none; }
bool FaultyVfs::failed() { return state.failed; }

FaultyVfs::FaultyVfs(Fault fault, int chosen) {
  static sqlite3_vfs vfs = make_vfs();
  sqlite3_vfs_register(&vfs, 0);
  state.fault = fault;
  state.chosen = chosen;
  state.calls = 0;
  state.reads = 0;
  state.failed = false;
}

FaultyVfs::~FaultyVfs() { state.fault = Fault::none; }

}  // namespace s3link::sqlite_store
