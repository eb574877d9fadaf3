#pragma once

#include <cstdint>
#include <string_view>

namespace s3link::sqlite_store {

/// An event's id is the commit number of its object; the sequencer is the same number in hexadecimal. 0 for a sequencer
/// this store did not make.
std::int64_t event_id_of(std::string_view sequencer) noexcept;

}  // namespace s3link::sqlite_store
