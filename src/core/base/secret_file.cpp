#include "core/base/secret_file.hpp"

#include <fmt/format.h>

namespace s3link {
namespace {

constexpr unsigned kRoot = 0;

}  // namespace

std::optional<std::string> secret_file_fault(FileAccess file, unsigned user) {
  if (file.owner == kRoot) {
    if ((file.mode & 0037U) == 0) return std::nullopt;
    return fmt::format("can be read by others (mode {:04o}): chmod 600 it, or 640 to share it with its group",
                       file.mode & 07777U);
  }
  if (file.owner != user && user != kRoot) {
    return fmt::format("belongs to user {}, and not to this process's user {} or to root: chown it", file.owner, user);
  }
  if ((file.mode & 0077U) == 0) return std::nullopt;
  return fmt::format("can be read by others (mode {:04o}): chmod 600 it", file.mode & 07777U);
}

std::string_view without_byte_order_mark(std::string_view text) noexcept {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

std::string_view first_line(std::string_view text) noexcept {
  text = without_byte_order_mark(text);
  return text.substr(0, text.find_first_of("\r\n"));
}

}  // namespace s3link
