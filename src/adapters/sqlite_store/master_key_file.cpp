#include "adapters/sqlite_store/master_key_file.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "adapters/sqlite_store/descriptor.hpp"
#include "adapters/sqlite_store/path_error.hpp"
#include "core/base/encoding.hpp"
#include "core/base/secret_file.hpp"

namespace s3link::sqlite_store {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kFileBytes = 2 * kKeyBytes + 1;  // hexadecimal and a newline
constexpr std::size_t kEditors = 4;                    // a byte order mark, and a CR before the newline

Result<Secret> read_key(int descriptor, const std::filesystem::path& file) {
  struct stat about{};
  if (::fstat(descriptor, &about) != 0) return path_error("cannot inspect", file, errno);
  if (const auto fault = secret_file_fault({about.st_mode, about.st_uid}, ::geteuid())) {
    return fail(ErrorKind::denied, file.string() + " " + *fault);
  }
  std::array<char, kFileBytes + kEditors + 1> text{};  // one more, to notice a file that is too long
  std::size_t length = 0;
  while (length < text.size()) {
    const auto got = ::read(descriptor, text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return path_error("cannot read", file, errno);
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  std::string_view digits = without_byte_order_mark({text.data(), length});
  if (digits.ends_with('\n')) digits.remove_suffix(1);
  if (digits.ends_with('\r')) digits.remove_suffix(1);
  auto raw = digits.size() == 2 * kKeyBytes ? hex_decode(digits) : std::nullopt;
  OPENSSL_cleanse(text.data(), text.size());
  if (!raw) return fail(ErrorKind::invalid_argument, file.string() + " is not 64 hexadecimal characters and a newline");
  return Secret(std::move(*raw));
}

Status write_key(int descriptor, const Secret& key, const std::filesystem::path& file) {
  std::string text = hex_encode(key.reveal());
  text += '\n';
  std::size_t written = 0;
  int failure = 0;
  while (written < text.size() && failure == 0) {
    const auto put = ::write(descriptor, text.data() + written, text.size() - written);
    if (put >= 0) {
      written += static_cast<std::size_t>(put);
    } else if (errno != EINTR) {
      failure = errno;
    }
  }
  OPENSSL_cleanse(text.data(), text.size());
  if (failure == 0 && ::fsync(descriptor) != 0) failure = errno;
  if (failure != 0) return path_error("cannot write", file, failure);
  return {};
}

/// A file that is not there, or is another's as well, is left as it is.
Status overwrite(const std::filesystem::path& file) {
  ::chmod(file.c_str(), S_IRUSR | S_IWUSR);  // it may be read-only, even for us
  const Descriptor descriptor(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (descriptor.get() < 0 && errno == ENOENT) return {};
  struct stat about{};
  if (descriptor.get() < 0 || ::fstat(descriptor.get(), &about) != 0) return path_error("cannot open", file, errno);
  if (about.st_nlink > 1) return {};
  constexpr std::array<char, kFileBytes> kNothing{};
  if (::pwrite(descriptor.get(), kNothing.data(), kNothing.size(), 0) < 0 || ::fsync(descriptor.get()) != 0)
    return path_error("cannot overwrite", file, errno);
  return {};
}

}  // namespace

Result<Secret> read_master_key_file(const std::filesystem::path& file) {
  const Descriptor present(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (present.get() >= 0) return read_key(present.get(), file);
  if (errno == ENOENT) return fail(ErrorKind::not_found, "there is no master key " + file.string());
  return path_error("cannot open", file, errno);
}

Result<Secret> make_master_key() {
  std::string raw(kKeyBytes, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(raw.size())) != 1)
    return fail(ErrorKind::internal, "the system has no randomness for a master key");
  return Secret(std::move(raw));
}

Status sync_folder_of_master_key(const std::filesystem::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0 || ::fsync(descriptor.get()) != 0) return path_error("cannot sync", folder, errno);
  return {};
}

Status create_master_key_file(const std::filesystem::path& file, const Secret& key) {
  const Descriptor fresh(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (fresh.get() < 0 && errno == EEXIST) return fail(ErrorKind::conflict, "there is a " + file.string() + " already");
  if (fresh.get() < 0) return path_error("cannot create", file, errno);
  Status done = write_key(fresh.get(), key, file);
  if (done) done = sync_folder_of_master_key(file);
  if (!done) ::unlink(file.c_str());
  return done;
}

Status destroy_master_key_file(const std::filesystem::path& file) {
  if (const Status gone = overwrite(file); !gone) return gone;
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) return path_error("cannot remove", file, errno);
  return sync_folder_of_master_key(file);
}

Status replace_master_key_file(const std::filesystem::path& fresh, const std::filesystem::path& old) {
  if (const Status gone = overwrite(old); !gone) return gone;
  if (::rename(fresh.c_str(), old.c_str()) != 0) return path_error("cannot replace", old, errno);
  return sync_folder_of_master_key(old);
}

}  // namespace s3link::sqlite_store
