#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "adapters/sqlite_store/master_key_file.hpp"
#include "adapters/sqlite_store/store.hpp"

namespace s3link::sqlite_store {

Result<Secret> load_or_create_master_key(const std::filesystem::path& file) {
  auto present = read_master_key_file(file);
  if (present || present.error().kind != ErrorKind::not_found) return present;
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  std::error_code failure;
  if (!std::filesystem::exists(folder, failure)) {
    std::filesystem::create_directories(folder, failure);
    if (!failure) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failure);
    if (failure) return fail(ErrorKind::internal, "cannot create " + folder.string() + ": " + failure.message());
  }

  // Written beside its place and linked there: a crash leaves no half key, and a key made meanwhile is not replaced.
  auto key = make_master_key();
  if (!key) return key;
  const std::filesystem::path draft = file.string() + ".draft";
  ::unlink(draft.c_str());
  if (const auto written = create_master_key_file(draft, *key); !written) return std::unexpected(written.error());
  const int linked = ::link(draft.c_str(), file.c_str()) == 0 ? 0 : errno;
  ::unlink(draft.c_str());
  if (linked == EEXIST) return load_or_create_master_key(file);
  if (linked != 0)
    return fail(ErrorKind::internal, "cannot create " + file.string() + ": " +
                                         std::strerror(linked));  // NOLINT(concurrency-mt-unsafe): glibc's is
  if (const auto synced = sync_folder_of_master_key(file); !synced) return std::unexpected(synced.error());
  return key;
}

}  // namespace s3link::sqlite_store
