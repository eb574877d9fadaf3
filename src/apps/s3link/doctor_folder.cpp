#include "apps/s3link/doctor_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "apps/s3link/configuration.hpp"
#include "core/base/secret_file.hpp"
#include "core/doctor/disk_space.hpp"

namespace s3link::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "data folder";
constexpr const char* kSecrets = "secrets";
constexpr const char* kDisk = "disk space";
/// Counting what is stored ends here: the figure is for a rule of thumb.
constexpr std::size_t kMaxCounted = 200'000;

std::optional<struct stat> status_of(const fs::path& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return std::nullopt;
  return status;
}

/// What may be told of a file to a shell, in single quotes.
std::string quoted(const fs::path& file) {
  std::string out = "'";
  for (const char c : file.string()) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// One file that nobody but `owner` may read. Returns whether it is as it should be.
bool check_private_file(const fs::path& file, uid_t owner, const std::string& setting, DoctorReport& report) {
  const auto status = status_of(file);
  if (!status) {
    report.failed(kSecrets, fmt::format("{}: {}", file.string(), std::strerror(errno)),
                  "restore it from your copy, or correct " + setting);
    return false;
  }
  if (const auto fault = secret_file_fault({status->st_mode, status->st_uid}, owner)) {
    const bool foreign = status->st_uid != owner && status->st_uid != 0;
    report.failed(kSecrets, fmt::format("{} {}", file.string(), *fault),
                  foreign ? fmt::format("chown {} {} ({})", owner, quoted(file), setting)
                          : fmt::format("chmod 600 {} ({})", quoted(file), setting));
    return false;
  }
  if (status->st_uid == 0 && owner != 0 && (status->st_mode & 0040U) == 0) {
    report.failed(kSecrets,
                  fmt::format("{} belongs to root, but the data folder to user {}: the server cannot read it",
                              file.string(), owner),
                  fmt::format("chown {} {} ({})", owner, quoted(file), setting));
    return false;
  }
  return true;
}

/// Files with a secret that an operator wrote.
bool check_named_secrets(const config::Loaded& loaded, uid_t owner, DoctorReport& report) {
  const config::Settings& settings = loaded.settings;
  std::vector<std::pair<fs::path, std::string>> files;
  const auto add = [&](const std::optional<fs::path>& file, const char* setting) {
    if (file) files.emplace_back(*file, setting);
  };
  add(settings.email.password_file, "email.password_file");
  add(settings.alarm.password_file, "alarm.password_file");
  add(settings.alarm.webhook_secret_file, "alarm.webhook_secret_file");
  add(settings.email.oauth.client_secret_file, "email.oauth.client_secret_file");
  add(settings.email.oauth.refresh_token_file, "email.oauth.refresh_token_file");
  add(settings.server.tls_key, "server.tls_key");
  for (const config::EffectiveValue& value : loaded.values) {
    const auto colon = value.source.rfind(':');  // "s3link.toml:12"
    if (value.secret_given && colon != std::string::npos) add(value.source.substr(0, colon), "the configuration file");
  }
  bool good = true;
  for (const auto& [file, setting] : files) {
    const auto status = status_of(file);
    if (!status) continue;
    const auto fault = secret_file_fault({status->st_mode, status->st_uid}, owner);
    if (!fault) continue;
    good = false;
    report.failed(kSecrets, fmt::format("{} holds a secret and {}", file.string(), *fault),
                  fmt::format("chmod 600 {} ({})", quoted(file), setting));
  }
  return good;
}

void check_secrets(const config::Loaded& loaded, uid_t owner, DoctorReport& report) {
  const config::Settings& settings = loaded.settings;
  bool good = check_private_file(settings.auth.master_key_file, owner, "auth.master_key_file", report);
  if (settings.auth.access_key_id.empty()) {
    good = check_private_file(settings.server.data_dir / "credentials", owner, "server.data_dir", report) && good;
  }
  good = check_named_secrets(loaded, owner, report) && good;
  if (good) report.ok(kSecrets, "the master key and the other files with secrets are closed to others");
}

/// What lies in a folder, symbolic links not followed.
std::uint64_t stored_bytes(const fs::path& folder) {
  std::uint64_t total = 0;
  std::size_t counted = 0;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator() && counted < kMaxCounted; entry.increment(error)) {
    std::error_code gone;
    ++counted;
    if (!entry->is_regular_file(gone) || gone) continue;
    const auto size = entry->file_size(gone);
    if (!gone) total += size;
  }
  return total;
}

void check_disk(const config::Loaded& loaded, const fs::path& folder, DoctorReport& report) {
  struct statvfs volume{};
  if (::statvfs(folder.c_str(), &volume) != 0) {
    report.failed(kDisk, fmt::format("{}: {}", folder.string(), std::strerror(errno)), "check server.data_dir");
    return;
  }
  doctor::DiskSpace space;
  space.free_bytes = static_cast<std::uint64_t>(volume.f_bavail) * volume.f_frsize;
  space.free_files = volume.f_favail;
  space.counts_files = volume.f_files != 0;
  space.stored_bytes = stored_bytes(folder);
  if (is_given(loaded, "server", "max_object_size")) {
    space.max_object_bytes = loaded.settings.server.max_object_size_bytes;
  }
  report.add(doctor::check_disk_space(space, folder.string()));
}

/// The folder itself. Empty: what is in it need not be looked at.
std::optional<struct stat> check_folder(const fs::path& folder, DoctorReport& report) {
  const auto status = status_of(folder);
  if (!status && errno == ENOENT) {
    report.warning(kFolder, fmt::format("{} is not there yet; s3link serve makes it", folder.string()),
                   "where a server has run already, name its folder: server.data_dir or --data-dir");
    return std::nullopt;
  }
  if (!status || !S_ISDIR(status->st_mode)) {
    report.failed(kFolder, fmt::format("{}: {}", folder.string(), status ? "not a folder" : std::strerror(errno)),
                  "correct server.data_dir");
    return std::nullopt;
  }
  const auto mode = status->st_mode & 07777U;
  const std::string fix = fmt::format("chmod 700 {} (server.data_dir)", quoted(folder));
  if ((mode & 0027U) != 0) {
    report.failed(kFolder, fmt::format("{} has mode {:04o}: others may enter it", folder.string(), mode), fix);
  } else if ((mode & 0050U) != 0) {
    report.warning(kFolder, fmt::format("{} has mode {:04o}: its group may enter it", folder.string(), mode), fix);
  } else {
    report.ok(kFolder, fmt::format("{}, mode {:04o}, of user {}", folder.string(), mode, status->st_uid));
  }
  return status;
}

}  // namespace

void check_data_folder(const config::Loaded& loaded, DoctorReport& report) {
  std::error_code ignored;
  const fs::path folder = fs::absolute(loaded.settings.server.data_dir, ignored).lexically_normal();
  const auto status = check_folder(folder, report);
  if (!status) {
    for (const char* const check : {kSecrets, kDisk}) report.skipped(check, "there is no data folder");
    return;
  }
  if (::access(folder.c_str(), R_OK | X_OK) != 0) {
    report.skipped(kSecrets, fmt::format("this user may not look into {}", folder.string()),
                   fmt::format("run s3link doctor as root or as user {}", status->st_uid));
  } else if (!fs::exists(folder / "s3link.db", ignored)) {
    report.skipped(kSecrets, "no server has run on the data folder yet; s3link serve makes its keys");
  } else {
    check_secrets(loaded, status->st_uid, report);
  }
  check_disk(loaded, folder, report);
}

ServerState server_state(const fs::path& data_dir) {
  const int lock = ::open((data_dir / "lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0) return errno == ENOENT ? ServerState::stopped : ServerState::unknown;
  const bool taken = ::flock(lock, LOCK_SH | LOCK_NB) == 0;  // and given back with the descriptor
  const bool held = !taken && errno == EWOULDBLOCK;
  ::close(lock);
  if (taken) return ServerState::stopped;
  return held ? ServerState::running : ServerState::unknown;
}

}  // namespace s3link::app
