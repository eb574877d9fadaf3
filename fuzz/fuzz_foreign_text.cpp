// Texts that others wrote: cleaning one never crashes, gives one printable line, and loses the link in it, whatever
// else is there.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/base/foreign_text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string line = s3link::foreign_line(text, 500);
  if (line.size() > 500 || std::ranges::any_of(line, [](char c) { return c < ' ' || c > '~'; })) std::abort();
  constexpr std::string_view kSignature = "c0ffee00c0ffee11c0ffee22";
  const std::string link = "<http://h/b/k?X-Amz-Credential=AK&X-Amz-Signature=" + std::string(kSignature) + ">";
  for (const std::string& with : {text + link, link + text}) {
    if (s3link::cut_credentials(with).contains(kSignature)) std::abort();
    if (s3link::cut_signatures(with).contains(kSignature)) std::abort();
  }
  return 0;
}
