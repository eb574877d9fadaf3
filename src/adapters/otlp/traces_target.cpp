#include "adapters/otlp/traces_target.hpp"

namespace s3link::otlp {

std::string traces_target(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  std::string out(path);
  if (!out.ends_with('/')) out += '/';
  out += "v1/traces";
  return out.append(target.substr(path.size()));
}

}  // namespace s3link::otlp
