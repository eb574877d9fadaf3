#include "core/config/changes.hpp"

#include <algorithm>

namespace s3link::config {
namespace {

/// The value of a key that is never shown, and so is not among the texts of an EffectiveValue.
std::string_view secret_of(const Settings& settings, const Key& key) {
  if (key.section == "auth" && key.name == "secret_access_key") return settings.auth.secret_access_key.reveal();
  if (key.section == "alarm" && key.name == "webhook") return settings.alarm.webhook.reveal();
  if (key.section == "metrics" && key.name == "token") return settings.metrics.token.reveal();
  return {};
}

}  // namespace

std::vector<std::string> changed_settings(const Loaded& before, const Loaded& after) {
  std::vector<std::string> out;
  for (const EffectiveValue& value : after.values) {
    const auto old = std::ranges::find(before.values, value.key, &EffectiveValue::key);
    const bool same = old != before.values.end() && old->texts == value.texts &&
                      secret_of(before.settings, *value.key) == secret_of(after.settings, *value.key);
    if (!same) out.push_back(value.key->dotted());
  }
  return out;
}

}  // namespace s3link::config
