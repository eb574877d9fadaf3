#include "core/event/origins.hpp"

#include <algorithm>
#include <utility>

namespace s3link::event {

Origins::Origins(std::vector<Origin> origins) : origins_(std::move(origins)) {
  std::ranges::sort(origins_, {}, &Origin::first);
}

std::string_view Origins::of(std::string_view sequencer) const noexcept {
  const auto after =
      std::ranges::upper_bound(origins_, sequencer, {}, [](const Origin& o) { return std::string_view(o.first); });
  return after == origins_.begin() ? std::string_view() : std::prev(after)->id;
}

}  // namespace s3link::event
