#pragma once

#include <optional>
#include <string>

namespace s3link::app {

/// What every command wants of its process: standard descriptors that are open (to nothing, where they were closed: a
/// file opened later would get their numbers, and what is printed), files for the owner only, no core dumps (they would
/// hold keys), a file that grows over its limit is an error code of the write and not SIGXFSZ, few memory arenas.
void harden_process() noexcept;

/// As many open files as this user may have.
void raise_file_limit() noexcept;
/// A warning where that is less than so many connections need (each is an open file); empty: it is enough.
std::optional<std::string> too_few_files(unsigned max_connections);

/// A pipe or socket whose reader went away is an error code of the write, not SIGPIPE.
void ignore_broken_pipes() noexcept;

/// From now on SIGINT and SIGTERM end the process at once, with 130 and 143.
void end_at_next_signal() noexcept;

}  // namespace s3link::app
