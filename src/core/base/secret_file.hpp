#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace s3link {

/// Who a file belongs to and who may read it, as stat(2) says.
struct FileAccess {
  unsigned mode = 0;   ///< permission bits are enough
  unsigned owner = 0;  ///< user id
};

/// What is wrong with the access to a file that holds a secret, read by a process of `user` (its effective user id),
/// and how to repair it, to be put behind the file's name: "can be read by others: chmod 600 it". Empty: nothing.
///
/// Right is mode 0600 or stricter, of that user; or mode 0640 or stricter, of root: so are secrets that the system
/// hands to a service on a read-only mount (Kubernetes with fsGroup, systemd's LoadCredential). A process of root may
/// read the file of another user. Source: PostgreSQL Documentation, "Secure TCP/IP Connections with SSL", on
/// server.key.
std::optional<std::string> secret_file_fault(FileAccess file, unsigned user);

/// The text without what editors put before it: the byte order mark of UTF-8.
std::string_view without_byte_order_mark(std::string_view text) noexcept;
/// Its first line, without that mark and without the line's end (LF or CRLF).
std::string_view first_line(std::string_view text) noexcept;

}  // namespace s3link
