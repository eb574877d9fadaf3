// What a request to redrive or drop names comes from clients. Reading it never crashes, and what was read names ids or
// a filter, not both, within the bounds.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "services/server/dead_letter_selection.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto selection = s3link::server::parse_dead_letter_selection(text)) {
    if (selection->ids.empty() != selection->filter.has_value() || selection->ids.size() > 1000) std::abort();
    if (selection->after && !selection->filter) std::abort();
    if (std::ranges::any_of(selection->ids, [](auto id) { return id < 1; })) std::abort();
  }
  if (const auto id = s3link::server::parse_dead_letter_id(text); id && *id < 1) std::abort();
  return 0;
}
