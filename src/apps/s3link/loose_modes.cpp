#include "apps/s3link/loose_modes.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "core/base/secret_file.hpp"

namespace s3link::app {
namespace {

namespace fs = std::filesystem;

void add_file(const fs::path& file, std::string_view setting, std::vector<std::string>& out) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return;  // whoever reads it says so
  // Whose it is matters to whether it can be read, which has been found out; here only who else can.
  if (const auto fault = secret_file_fault({status.st_mode, status.st_uid}, ::geteuid())) {
    out.push_back(fmt::format("{} ({}) {}", file.string(), setting, *fault));
  }
}

}  // namespace

std::vector<std::string> loose_modes(const config::Loaded& loaded) {
  std::vector<std::string> out;
  const fs::path& folder = loaded.settings.server.data_dir;
  struct stat status{};
  if (::stat(folder.c_str(), &status) == 0 && (status.st_mode & 0077U) != 0) {
    out.push_back(fmt::format("{} (server.data_dir) can be entered by others (mode {:04o}): chmod 700 it",
                              folder.string(), status.st_mode & 07777U));
  }
  if (loaded.settings.server.tls_key) add_file(*loaded.settings.server.tls_key, "server.tls_key", out);
  std::set<std::string> files;
  for (const config::EffectiveValue& value : loaded.values) {
    const auto colon = value.source.rfind(':');  // "s3link.toml:12"
    if (value.secret_given && colon != std::string::npos) files.insert(value.source.substr(0, colon));
  }
  for (const std::string& file : files) add_file(file, "it holds a secret", out);
  return out;
}

}  // namespace s3link::app
