#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace s3link::alarm {

/// Why deliveries failed, and how many did so for that reason.
struct FrequentReason {
  std::string text;
  std::uint64_t count = 0;
  bool operator==(const FrequentReason&) const = default;
};

/// Counts reasons, those together that differ only in what relays make up for each message: queue ids, times, numbers.
/// Memory is bounded: of more than 1,000 different ones, the later are counted as "other reasons".
class FrequentReasons {
 public:
  /// `kind` and `message` as dead letters keep them: "denied", "you@example.org: 550 5.1.1 no such user".
  void add(std::string_view kind, std::string_view message, std::uint64_t count = 1);
  /// The most frequent first; among equals by text.
  std::vector<FrequentReason> top(std::size_t max) const;

 private:
  std::map<std::string, std::uint64_t> counts_;
  std::uint64_t others_ = 0;
};

}  // namespace s3link::alarm
