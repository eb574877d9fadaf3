#include <fmt/format.h>

#include "core/event/event_record.hpp"

namespace s3link::event {

std::string sequencer_of(std::uint64_t commit_number) { return fmt::format("{:016X}", commit_number); }

}  // namespace s3link::event
