#pragma once

#include <string>
#include <vector>

#include "core/config/load.hpp"

namespace s3link::config {

/// The settings, "section.name" in the order of the documentation, that mean something else in `after` than in
/// `before`; wherever they stand. Secrets are compared, and not told.
std::vector<std::string> changed_settings(const Loaded& before, const Loaded& after);

}  // namespace s3link::config
