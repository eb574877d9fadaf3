#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace s3link::event {

/// Where commit numbers come from. They begin at 1 in every data folder and go back when an older copy of a folder is
/// put in its place, so a sequencer alone names no upload for good; with its origin it does. Each start of a store
/// begins an origin, so that whatever was done to the folder in between, numbers given out twice have different ones.
/// Thread safety: as a value.
class Origins {
 public:
  struct Origin {
    std::string first;  ///< the sequencer from which on numbers are its own, in sequencer_of()'s form
    std::string id;     ///< random hexadecimal, not empty
  };

  Origins() = default;
  /// Of one data folder, in any order.
  explicit Origins(std::vector<Origin> origins);

  /// The id of the origin that gave this sequencer out, in sequencer_of()'s form; empty: one made before origins were
  /// kept.
  std::string_view of(std::string_view sequencer) const noexcept;

 private:
  std::vector<Origin> origins_;  // by first
};

}  // namespace s3link::event
