// What a name server says of a sender's domain: SPF, DMARC and DKIM records never crash their readers, a record that is
// read is one of those that came, and reading it again finds the same. Records are lines.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/doctor/dkim_record.hpp"
#include "core/doctor/dmarc_record.hpp"
#include "core/doctor/finding.hpp"
#include "core/doctor/spf_record.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::string> lines_of(std::string_view input) {
  std::vector<std::string> out;
  while (!input.empty()) {
    const auto end = input.find('\n');
    out.emplace_back(input.substr(0, end));
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace s3link::doctor;
  const auto texts = lines_of({reinterpret_cast<const char*>(data), size});
  if (const auto spf = find_spf(texts)) {
    const std::vector<std::string> alone = {spf->text};
    const auto again = find_spf(alone);
    require(again && again->otherwise == spf->otherwise && again->lookups == spf->lookups);
    const std::string line = finding_text({"SPF", Verdict::ok, spf->text, ""});
    require(line.find('\n') == line.size() - 1);
  }
  if (const auto dmarc = find_dmarc(texts)) {
    require(dmarc->policy == "none" || dmarc->policy == "quarantine" || dmarc->policy == "reject");
  }
  if (const auto dkim = find_dkim(texts)) {
    require(texts.size() == 1 && (dkim->key_type == "rsa" || dkim->key_type == "ed25519"));
  }
  return 0;
}
