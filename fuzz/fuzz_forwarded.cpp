// Forwarded and X-Forwarded-For come from anybody. Reading them never crashes; an address that was read is printed and
// read back as it was; and without trusted proxies nothing but the peer is ever said.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/base/forwarded.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace s3link;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto check = [](const std::optional<IpAddress>& address) {
    if (address && IpAddress::parse(address->text()) != address) std::abort();
  };
  if (const auto hops = parse_forwarded(text)) {
    for (const auto& hop : *hops) check(hop);
  }
  for (const auto& hop : parse_forwarded_for(text)) check(hop);
  (void)IpNetwork::parse(text);
  const IpNetwork trusted[] = {*IpNetwork::parse("10.0.0.0/8")};
  for (const char* name : {"Forwarded", "X-Forwarded-For"}) {
    const std::string client = client_address("10.0.0.1", {{name, text}}, trusted);
    if (!IpAddress::parse(client)) std::abort();
    if (client_address("10.0.0.1", {{name, text}}, {}) != "10.0.0.1") std::abort();
    if (client_address("192.0.2.1", {{name, text}}, trusted) != "192.0.2.1") std::abort();
  }
  return 0;
}
