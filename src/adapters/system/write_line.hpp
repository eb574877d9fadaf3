#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace s3link::system {

/// Writes the bytes to the descriptor, by one call where the system takes them whole: at most PIPE_BUF bytes do not mix
/// with others in a pipe. Waits for a slow reader. Returns how many were written: fewer where the descriptor takes no
/// more (nobody reads the pipe any more, and SIGPIPE is ignored; the disk is full; it is closed). Any thread.
std::size_t write_bytes(int descriptor, std::string_view bytes) noexcept;

/// Writes the line and its end so. What cannot be written is lost.
void write_line(int descriptor, std::string line) noexcept;

}  // namespace s3link::system
