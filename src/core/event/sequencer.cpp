#include <fmt/format.h>

#include <algorithm>

#include "core/event/event_record.hpp"

namespace s3link::event {
namespace {

constexpr std::size_t kComparableDigits = 32;

bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

}  // namespace

std::string sequencer_of(std::uint64_t commit_number) { return fmt::format("{:016X}", commit_number); }

std::string comparable_sequencer(std::string_view sequencer) {
  if (sequencer.empty() || sequencer.size() > kComparableDigits || !std::ranges::all_of(sequencer, is_hex_digit))
    return {};
  std::string out(sequencer);
  for (char& c : out) {
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  }
  out.resize(kComparableDigits, '0');
  return out;
}

}  // namespace s3link::event
