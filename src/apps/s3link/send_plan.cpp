#include "apps/s3link/send_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <system_error>

#include "apps/s3link/wording.hpp"

namespace s3link::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 100'000;  // a plan of them fits into some megabytes

std::unexpected<Error> refuse(std::string message) { return fail(ErrorKind::invalid_argument, std::move(message)); }

/// "20261128-k3v9x2mqp4tzq7wa/"
std::string unique_folder(ports::Random& random, Instant now) {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::array<std::byte, 16> bytes{};
  random.fill(bytes);
  std::string out = iso8601(now).substr(0, 10);
  std::erase(out, '-');
  out += '-';
  for (const std::byte byte : bytes) out += kAlphabet[std::to_integer<std::size_t>(byte) % kAlphabet.size()];
  return out + '/';
}

/// "photos" of "photos", "photos/", "../photos" and ".".
std::string folder_name(const fs::path& folder) {
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);
  return (error ? folder : real).filename().string();
}

Status add_folder(const std::string& name, const std::string& key_prefix, SendPlan& plan) {
  const fs::path folder(name);
  std::vector<PlannedFile> found;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    const fs::path& path = entry->path();
    if (entry->is_directory(gone)) {
      if (entry->is_symlink(gone)) {
        plan.skipped.push_back(
            fmt::format("{} is a link to a folder, which is not followed", printable(path.string())));
      }
      continue;
    }
    if (!entry->is_regular_file(gone)) {
      plan.skipped.push_back(fmt::format("{} is not a file that can be sent", printable(path.string())));
      continue;
    }
    if (found.size() == kMostFiles) return refuse(fmt::format("{} holds more than {} files", name, kMostFiles));
    found.push_back({path.string(), key_prefix + path.lexically_relative(folder).generic_string()});
  }
  if (error) {
    const bool denied = error == std::errc::permission_denied;
    return fail(denied ? ErrorKind::denied : ErrorKind::internal,
                fmt::format("cannot read the folder {}: {}", printable(name), error.message()));
  }
  std::ranges::sort(found, {}, &PlannedFile::key);
  std::ranges::move(found, std::back_inserter(plan.files));
  return {};
}

Status check_use(const SendRequest& request) {
  if (!request.key.empty() && request.files.size() > 1)
    return refuse("--key names one object; send one file with it, or give several a --prefix");
  for (const std::string& name : request.files) {
    std::error_code error;
    const bool folder = name != "-" && fs::is_directory(name, error);
    if (name == "-" && request.key.empty()) return refuse("standard input has no name; give it one with --key");
    if (folder && !request.recursive) {
      return refuse(fmt::format("{} is a folder; --recursive sends the files in it", printable(name)));
    }
    if (folder && !request.key.empty())
      return refuse(fmt::format("--key names one object, and {} is a folder; use --prefix", printable(name)));
  }
  return {};
}

/// The second of two files under one key would replace the first.
Status check_keys(const std::vector<PlannedFile>& files) {
  std::map<std::string_view, const PlannedFile*> seen;
  for (const PlannedFile& file : files) {
    const auto [other, fresh] = seen.emplace(file.key, &file);
    if (fresh) continue;
    return refuse(
        fmt::format("{} and {} would both be stored as {}, the second in place of the first; nothing is sent. "
                    "--unique keeps them apart",
                    printable(other->second->name), printable(file.name), printable(file.key)));
  }
  return {};
}

}  // namespace

Result<SendPlan> plan_send(const SendRequest& request, ports::Random& random, Instant now) {
  if (const Status good = check_use(request); !good) return std::unexpected(good.error());
  SendPlan plan;
  for (const std::string& name : request.files) {
    const std::string prefix = request.prefix + (request.unique ? unique_folder(random, now) : std::string());
    std::error_code error;
    if (name != "-" && fs::is_directory(name, error)) {
      if (const Status added = add_folder(name, prefix + folder_name(name) + "/", plan); !added) {
        return std::unexpected(added.error());
      }
    } else {
      plan.files.push_back({name, prefix + (request.key.empty() ? fs::path(name).filename().string() : request.key)});
    }
  }
  if (const Status good = check_keys(plan.files); !good) return std::unexpected(good.error());
  return plan;
}

}  // namespace s3link::app
