#include "adapters/sqlite_store/path_error.hpp"

#include <cerrno>
#include <utility>

namespace s3link::sqlite_store {

std::unexpected<Error> path_error(std::string what, const std::filesystem::path& path, const std::error_code& failure) {
  const bool full = failure == std::errc::no_space_on_device || failure.value() == EDQUOT;
  return fail(full ? ErrorKind::transient : ErrorKind::internal,
              std::move(what) + " " + path.string() + ": " + failure.message());
}

std::unexpected<Error> path_error(std::string what, const std::filesystem::path& path, int number) {
  return path_error(std::move(what), path, std::error_code(number, std::generic_category()));
}

}  // namespace s3link::sqlite_store
