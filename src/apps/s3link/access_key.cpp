#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>

#include "adapters/http_client/beast_client.hpp"
#include "adapters/system/system_clock.hpp"
#include "adapters/system/system_random.hpp"
#include "apps/s3link/api_client.hpp"
#include "apps/s3link/credentials_file.hpp"
#include "apps/s3link/doctor_folder.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/files.hpp"
#include "apps/s3link/key.hpp"
#include "apps/s3link/server_access.hpp"
#include "apps/s3link/wording.hpp"
#include "core/config/quantity.hpp"

namespace s3link::app {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::chrono::seconds kLongestKept = std::chrono::days(90);
constexpr std::chrono::seconds kLongestReload = 10s;

Result<std::chrono::seconds> kept_time(const KeyOptions& options, const config::Settings& settings) {
  if (options.keep_old.empty()) return settings.link.expiration;
  if (options.keep_old == "0") return 0s;
  const auto parsed = config::parse_duration(options.keep_old);
  if (!parsed) return fail(ErrorKind::invalid_argument, fmt::format("--keep-old: {}", parsed.error().message));
  if (*parsed > kLongestKept) return fail(ErrorKind::invalid_argument, "--keep-old: more than 90d");
  return *parsed;
}

/// One at a time, in a file of its own: the folder and its `lock` are the server's. Whoever made the file, root or the
/// server's user, the other can open it.
class RotationLock {
 public:
  static Result<RotationLock> take(const fs::path& data_dir) {
    constexpr ::mode_t kMode = 0644;
    const fs::path file = data_dir / "credentials.lock";
    RotationLock lock(::open(file.c_str(), O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kMode));
    if (lock.descriptor_ < 0) {
      return fail(errno == ENOENT ? ErrorKind::not_found : ErrorKind::internal,
                  fmt::format("cannot open {} in the data folder: {}", file.string(), std::strerror(errno)));
    }
    (void)::fchmod(lock.descriptor_, kMode);  // whatever the umask is; where it is another user's, it was done
    if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
      return fail(ErrorKind::conflict, "another s3link key rotate --access is under way");
    }
    return lock;
  }
  RotationLock(RotationLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  RotationLock& operator=(RotationLock&&) = delete;
  ~RotationLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  explicit RotationLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

/// What is stored, with a new pair in force. A file that is missing is made.
Result<StoredKeys> with_new_pair(const fs::path& file, std::chrono::seconds kept, Instant now, ports::Random& random) {
  auto stored = read_credentials(file);
  if (!stored && stored.error().kind != ErrorKind::not_found) return stored;
  StoredKeys fresh{make_credentials(random)};
  if (!stored) return fresh;
  fresh.old = std::move(stored->old);
  if (kept > 0s)
    fresh.old.push_back({std::move(stored->current), std::chrono::floor<std::chrono::seconds>(now) + kept});
  std::erase_if(fresh.old, [&](const sigv4::OldCredentials& old) { return old.valid_until <= now; });
  return fresh;
}

/// The process that holds the folder's lock, as it wrote it there.
std::optional<::pid_t> server_process(const fs::path& data_dir) {
  const auto text = read_file(data_dir / "lock", 100);
  if (!text) return std::nullopt;
  ::pid_t process = 0;
  const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), process);
  if (failure != std::errc{} || process <= 1) return std::nullopt;
  return process;
}

/// The parts of a request to the server.
struct Client {
  const config::Loaded& loaded;
  const sigv4::Credentials& fresh;
  http_client::BeastClient& http;
  system::SystemClock& clock;
  system::SystemRandom& random;
};

/// Until the server takes requests signed with the new pair. It may be starting, and have no address yet, or be gone
/// meanwhile.
Awaitable<bool> wait_until_taken(Client client) {
  const auto give_up = client.clock.steady_now() + kLongestReload;
  while (client.clock.steady_now() < give_up) {
    if (auto access = find_server_without_key(client.loaded)) {
      access->credentials = client.fresh.clone();
      ApiClient api(*access, access->region, client.http, client.clock, client.random);
      const auto answer = co_await api.exchange({.path = "/_/api/v1/deliveries", .query = {{"limit", "1"}}});
      if (answer && answer->status == 200) co_return true;
    }
    if (server_state(client.loaded.settings.server.data_dir) == ServerState::stopped) co_return false;
    co_await client.clock.sleep_until(client.clock.now() + 50ms);
  }
  co_return false;
}

bool is_taken_over(const config::Loaded& loaded, const sigv4::Credentials& fresh) {
  system::SystemClock clock;
  system::SystemRandom random;
  asio::io_context context(1);
  http_client::BeastClient http(context.get_executor());
  bool taken = false;
  std::exception_ptr thrown;
  const Client client{.loaded = loaded, .fresh = fresh, .http = http, .clock = clock, .random = random};
  asio::co_spawn(context, wait_until_taken(client), [&](std::exception_ptr error, bool result) {
    thrown = error;
    taken = result;
    context.stop();
  });
  context.run();
  if (thrown) std::rethrow_exception(thrown);
  return taken;
}

/// Sends SIGHUP. A server that is starting has the lock a moment before it has written its process id there. Returns
/// why it cannot be told; empty: it was.
std::string tell_to_reload(const fs::path& data_dir) {
  const auto give_up = std::chrono::steady_clock::now() + kLongestReload;
  while (true) {
    const auto process = server_process(data_dir);
    const int failure = process && ::kill(*process, SIGHUP) != 0 ? errno : 0;
    if (process && failure == 0) return {};
    const std::string reason = process ? std::strerror(failure) : "its process is not known";
    if (failure == EPERM) return reason;
    if (server_state(data_dir) == ServerState::stopped || std::chrono::steady_clock::now() >= give_up) return reason;
    std::this_thread::sleep_for(50ms);
  }
}

/// Has the running server, if there is one, read the file. Returns the exit status.
int hand_over(const config::Loaded& loaded, const sigv4::Credentials& fresh) {
  const fs::path& data_dir = loaded.settings.server.data_dir;
  const auto is_stopped = [&] {
    if (server_state(data_dir) != ServerState::stopped) return false;
    fmt::print("no server runs on {}; the next one begins with the new key\n", data_dir.string());
    return true;
  };
  if (is_stopped()) return kDone;
  constexpr const char* kByHand =
      "; until it reads the file (systemctl reload s3link, or SIGHUP) the old key is in force";
  if (const std::string reason = tell_to_reload(data_dir); !reason.empty()) {
    if (is_stopped()) return kDone;
    return complain(kFailed,
                    fmt::format("the new key is stored, but the server cannot be told of it: {}{}", reason, kByHand));
  }
  if (!is_taken_over(loaded, fresh)) {
    if (is_stopped()) return kDone;
    return complain(kFailed,
                    fmt::format("the new key is stored, but the server did not take it over within {} s: see its "
                                "log{}",
                                kLongestReload.count(), kByHand));
  }
  fmt::print("the running server has taken it over\n");
  return kDone;
}

void tell_of_the_old(const StoredKeys& keys, std::chrono::seconds kept, std::chrono::seconds link_life,
                     bool was_there) {
  if (kept > 0s && was_there) {
    const sigv4::OldCredentials& old = keys.old.back();
    fmt::print(
        "the old key {} is good until {}; then clients that use it are refused, and every link and presigned URL "
        "that it signed ends\n",
        printable(old.credentials.access_key_id), instant_in_words(old.valid_until));
  } else if (was_there) {
    fmt::print(
        "the old key is good no more: clients that use it are refused, and every link that it signed has ended\n");
  }
  if (was_there && kept < link_life) {
    complain(kDone,
             fmt::format("links are mailed for {}: those that would have worked longer than the old key end with it; "
                         "s3link send mails a file again",
                         config::format_duration(link_life)));
  }
}

}  // namespace

int rotate_access_key(const KeyOptions& options) {
  const auto loaded = load_sections(options.config, {"server", "auth", "bucket", "link"});
  if (!loaded) return report_problems(loaded.error());
  const config::Settings& settings = loaded->settings;
  if (!settings.auth.access_key_id.empty()) {
    return complain(kWrongUse,
                    "the access key is set by auth.access_key_id and auth.secret_access_key: change it there");
  }
  const auto kept = kept_time(options, settings);
  if (!kept) return complain(kWrongUse, kept.error().message);
  const auto lock = RotationLock::take(settings.server.data_dir);
  if (!lock) return complain(kFailed, lock.error().message);
  system::SystemClock clock;
  system::SystemRandom random;
  const fs::path file = settings.server.data_dir / "credentials";
  std::error_code ignored;
  const bool was_there = fs::exists(file, ignored);
  const auto keys = with_new_pair(file, *kept, clock.now(), random);
  if (!keys) return complain(kFailed, keys.error().message);
  if (const Status written = write_credentials(file, *keys); !written)
    return complain(kFailed, written.error().message);
  fmt::print("the access key is {}; its secret is in {}\n", keys->current.access_key_id, file.string());
  tell_of_the_old(*keys, *kept, settings.link.expiration, was_there);
  std::fflush(stdout);
  return hand_over(*loaded, keys->current);
}

}  // namespace s3link::app
