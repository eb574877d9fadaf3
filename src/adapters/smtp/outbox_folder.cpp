#include "adapters/smtp/outbox_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "adapters/smtp/worker_pool.hpp"
#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::smtp {
namespace {

constexpr std::string_view kTemporaryPrefix = ".tmp-";
constexpr unsigned kThreads = 4;
constexpr std::chrono::seconds kIdle{10};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

std::string reason(int error) { return std::system_category().message(error); }

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

int open_folder(const std::filesystem::path& folder) {
  return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/// "<4f2a@example.org>" → "4f2a.eml". An id that is no plain name is hashed, so that none can leave the folder.
std::string file_name_of(std::string_view message_id) {
  const std::string_view local = message_id.substr(message_id.starts_with('<') ? 1 : 0);
  const std::string_view name = local.substr(0, local.find('@'));
  const bool plain = !name.empty() && name.size() <= 100 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  return (plain ? std::string(name) : hex_encode(sha256(message_id))) + ".eml";
}

}  // namespace

class OutboxFolder::Impl {
 public:
  explicit Impl(std::filesystem::path folder)
      : folder_(std::move(folder)), pool_(kThreads, kIdle, [] { return std::make_unique<Nothing>(); }) {}

  Awaitable<ports::SendResult> send(mail::Mail mail) {
    // Shared, because std::function wants to be copied, and a mail cannot be.
    const auto message = std::make_shared<const mail::Mail>(std::move(mail));
    auto sent = co_await pool_.run([this, message](Nothing&, const std::atomic<bool>&) { return write(*message); });
    // What keeps one file from being written keeps the others, too.
    if (!sent) co_return std::unexpected(ports::SendFailure{std::move(sent.error()), ports::FailureScope::relay});
    co_return std::move(*sent);
  }

 private:
  struct Nothing {};

  Result<ports::MailReceipt> write(const mail::Mail& mail) {
    const std::string name = file_name_of(mail.message_id);
    const std::string temporary = fmt::format("{}{}", kTemporaryPrefix, ++temporaries_);
    // Opened anew for each message: it may have been removed and made again, or another be mounted there.
    const Descriptor directory(open_folder(folder_));
    if (!directory) return failed("open it", errno);
    Descriptor file(::openat(directory.get(), temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
    if (!file) return failed("create a file", errno);
    // A file that could not be synced is thrown away whole: the repeat writes another.
    const bool written = write_all(file.get(), mail.rfc5322.reveal()) && ::fsync(file.get()) == 0 && file.close() &&
                         ::renameat(directory.get(), temporary.c_str(), directory.get(), name.c_str()) == 0;
    if (!written) {
      const int error = errno;
      ::unlinkat(directory.get(), temporary.c_str(), 0);
      return failed("write " + name, error);
    }
    if (::fsync(directory.get()) != 0) return failed("sync the folder", errno);
    return ports::MailReceipt{(folder_ / name).string()};
  }

  std::unexpected<Error> failed(std::string_view what, int error) const {
    return fail(ErrorKind::transient,
                fmt::format("outbox folder {}: cannot {}: {}", folder_.string(), what, reason(error)));
  }

  const std::filesystem::path folder_;
  std::atomic<std::uint64_t> temporaries_ = 0;
  WorkerPool<Nothing, ports::MailReceipt> pool_;
};

Result<std::unique_ptr<OutboxFolder>> OutboxFolder::open(std::filesystem::path folder) {
  const auto failed = [&folder](std::string_view what, const std::string& why) {
    return fail(ErrorKind::internal, fmt::format("outbox folder {}: cannot {}: {}", folder.string(), what, why));
  };
  std::error_code ec;
  std::filesystem::create_directories(folder.parent_path(), ec);
  if (::mkdir(folder.c_str(), 0700) == 0) {
    const auto parent = folder.has_parent_path() ? folder.parent_path() : std::filesystem::path(".");
    const Descriptor above(open_folder(parent));
    if (!above || ::fsync(above.get()) != 0) return failed("sync the folder above it", reason(errno));
  } else if (errno != EEXIST) {
    return failed("make it", reason(errno));
  }
  const Descriptor directory(open_folder(folder));
  if (!directory) return failed("open it", reason(errno));

  std::filesystem::directory_iterator entries(folder, ec);
  if (ec) return failed("list it", ec.message());
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kTemporaryPrefix) && ::unlinkat(directory.get(), name.c_str(), 0) != 0) {
      return failed("remove " + name, reason(errno));
    }
  }
  return std::unique_ptr<OutboxFolder>(new OutboxFolder(std::make_unique<Impl>(std::move(folder))));
}

OutboxFolder::OutboxFolder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OutboxFolder::~OutboxFolder() = default;

Awaitable<ports::SendResult> OutboxFolder::send(mail::Mail mail) { return impl_->send(std::move(mail)); }

}  // namespace s3link::smtp
