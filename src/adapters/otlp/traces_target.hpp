#pragma once

#include <string>
#include <string_view>

namespace s3link::otlp {

/// Where traces are posted, of the path and query of the configured endpoint: "v1/traces" is added to the path.
/// Source: OpenTelemetry Protocol Exporter, "Endpoint URLs for OTLP/HTTP".
std::string traces_target(std::string_view target);

}  // namespace s3link::otlp
