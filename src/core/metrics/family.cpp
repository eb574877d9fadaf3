#include "core/metrics/family.hpp"

#include <utility>

namespace s3link::metrics {
namespace {

Family single(Kind kind, std::string name, std::string help, double value) {
  return {.name = std::move(name), .help = std::move(help), .kind = kind, .samples = {Sample{{}, value, {}}}};
}

}  // namespace

Family counter(std::string name, std::string help, double value) {
  return single(Kind::counter, std::move(name), std::move(help), value);
}

Family gauge(std::string name, std::string help, double value) {
  return single(Kind::gauge, std::move(name), std::move(help), value);
}

Sample labelled(std::string name, std::string value, double number) {
  return {.labels = {{std::move(name), std::move(value)}}, .value = number, .histogram = {}};
}

}  // namespace s3link::metrics
