#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"

namespace s3link::delivery {

/// Shares the relay's connections among the recipients, so that one to whom mail cannot be handed over in good time
/// (the relay asks another server about him, which does not answer) holds up nobody else.
///
/// With n recipients, one has at most an nth of the connections, rounded up. A recipient about whom the relay was
/// silent until we gave up is left alone for five minutes; all such together have at most half of the connections,
/// until a mail to them is answered. Not thread safe; time comes from outside.
class RecipientShares {
 public:
  /// How many recipients there are; with one there is nothing to share.
  explicit RecipientShares(std::size_t recipients) : recipients_(recipients) {}

  enum class Turn {
    now,
    soon,   ///< mails to this recipient are under way, and nothing is wrong with them yet
    later,  ///< not as long as one waits
  };
  /// Of a mail to that recipient, when `connections` (1 or more) may be used.
  Turn turn(std::string_view recipient, unsigned connections, Instant now) const;

  /// Each mail that begins ends once.
  void begin(std::string_view recipient, Instant now);
  /// answered: the relay said something about this mail; silent: it did not until we gave up; unknown: neither.
  enum class End { answered, silent, unknown };
  void end(std::string_view recipient, End how, Instant now);

 private:
  struct Lane {
    unsigned under_way = 0;
    Instant last_begin{};
    std::optional<Instant> silent_since;
  };
  unsigned under_way_to_silent() const;

  std::size_t recipients_;
  std::map<std::string, Lane, std::less<>> lanes_;  ///< of those with mails under way, or silent
};

}  // namespace s3link::delivery
