#pragma once

#include <span>
#include <string>

#include "core/config/load.hpp"

namespace s3link::config {

/// The whole configuration file with comments: every key with its meaning, default, published name and environment
/// variable. Keys are commented out, except those of `values` that were given.
std::string render_file(std::span<const EffectiveValue> values = {});

/// Every effective value with its source as TOML with comments; secrets are masked.
std::string render_effective(std::span<const EffectiveValue> values);
/// The same as {"settings": [{"key", "value", "source"}]}: value is a string, a list of strings or null.
std::string render_effective_json(std::span<const EffectiveValue> values);

}  // namespace s3link::config
