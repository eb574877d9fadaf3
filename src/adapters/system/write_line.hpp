#pragma once

#include <string>

namespace s3link::system {

/// Writes the line and its end to the descriptor, by one call where the system takes it whole: lines of at most
/// PIPE_BUF bytes do not mix in a pipe. What cannot be written is lost. Waits for a slow reader. Any thread.
void write_line(int descriptor, std::string line) noexcept;

}  // namespace s3link::system
