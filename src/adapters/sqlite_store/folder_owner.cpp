#include "adapters/sqlite_store/folder_owner.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace s3link::sqlite_store {

Status check_folder_owner(const std::filesystem::path& data_dir) {
  const auto database = data_dir / "s3link.db";
  struct stat about{};
  if (::stat(database.c_str(), &about) != 0)
    return fail(ErrorKind::not_found, "there is no data folder: " + database.string() + " is missing");
  if (about.st_uid != ::geteuid())
    return fail(ErrorKind::denied, database.string() + " belongs to the user with the number " +
                                       std::to_string(about.st_uid) + ": run this command as that user");
  return {};
}

}  // namespace s3link::sqlite_store
