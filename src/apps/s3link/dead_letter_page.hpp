#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "ports/dead_letter_queue.hpp"

namespace s3link::app {

/// What /_/api/v1/dead-letters answers.
struct DeadLetterList {
  std::uint64_t length = 0;  ///< of the whole queue
  std::vector<ports::ReasonCount> reasons;
  std::vector<ports::DeadLetter> letters;
};

/// What redrive and drop answer.
struct DeadLetterChange {
  struct Refusal {
    std::int64_t id = 0;
    std::string reason;
    std::string message;
  };
  std::size_t done = 0;
  std::vector<Refusal> refused;
  std::optional<std::int64_t> next;  ///< there are more; where they begin
};

/// Errors of all: internal (the answer is not what it should be).
Result<DeadLetterList> parse_dead_letter_list(std::string_view json);
/// One, with its history; its event_json is for reading: indented.
Result<ports::DeadLetter> parse_dead_letter(std::string_view json);
/// `done`: the member that names those: "redriven", "dropped".
Result<DeadLetterChange> parse_dead_letter_change(std::string_view json, std::string_view done);

/// As `s3link dlq list` and `s3link dlq show` print one.
std::string dead_letter_in_words(const ports::DeadLetter& letter);
std::string whole_dead_letter_in_words(const ports::DeadLetter& letter);
/// "3 dead letters: 2 denied, 1 transient", and how to see more when not all were shown.
std::string summary_in_words(const DeadLetterList& list, bool filtered);

}  // namespace s3link::app
