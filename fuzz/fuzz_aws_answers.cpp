// Answers of AWS, or of something that stands before it. Reading one never crashes; a code is a word, a message to be
// shown is one line of UTF-8 within its bound and without a presigned URL; a page's keys can be gone on from.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "adapters/aws/claim_table.hpp"
#include "adapters/aws/listing_page.hpp"
#include "adapters/aws/service_error.hpp"
#include "core/base/encoding.hpp"

using namespace s3link;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);

  const auto error = aws::read_service_error({.status = 400, .fields = {}, .body = std::string(input)});
  if (error.code.find_first_of(" #:\r\n\"<") != std::string::npos) std::abort();
  for (const std::string_view text : {std::string_view(error.message), input}) {
    const std::string shown = aws::clean_message(text, {});
    if (shown.size() > aws::kMaxMessageBytes || !is_utf8(shown) || shown.contains("X-Amz-Signature=")) std::abort();
    for (const char c : shown) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) std::abort();
    }
    if (aws::clean_message(shown, {}) != shown) std::abort();
  }

  const auto page = aws::read_listing_page(input);
  if (page) {
    if (page->objects.size() > aws::kMaxListedKeys) std::abort();
    if (!page->next.empty() && page->next != page->objects.back().key) std::abort();
    for (const auto& object : page->objects) {
      if (object.key.empty()) std::abort();
    }
  }

  const auto item = aws::claim_table::read_item(input);
  if (item && *item && !(*item)->sent && aws::claim_table::covers(**item, {})) std::abort();
  return 0;
}
