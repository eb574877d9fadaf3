// A configuration file is read or refused with a problem; what was read can be written and read again as the same.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/config/load.hpp"
#include "core/config/render.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace s3link::config;
  Sources sources;
  sources.file = {"fuzz.toml", std::string(reinterpret_cast<const char*>(data), size)};
  const auto first = load(sources);
  if (!first) {
    if (first.error().empty()) std::abort();
    return 0;
  }
  render_effective(first->values);
  render_effective_json(first->values);
  for (const EffectiveValue& value : first->values) {
    if (value.secret_given) return 0;  // secrets are not written
  }

  sources.file->toml = render_file(first->values);
  const auto second = load(sources);
  if (!second) {
    std::fprintf(stderr, "%s\n", second.error().front().text().c_str());
    std::abort();
  }
  for (std::size_t i = 0; i < first->values.size(); ++i) {
    if (first->values[i].texts != second->values[i].texts) std::abort();
  }
  return 0;
}
