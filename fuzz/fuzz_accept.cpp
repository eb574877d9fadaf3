// What a browser says it likes, and the address it asks for, come from anybody. Reading them never crashes, and what is
// said of a link is one of what can be said.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/page/accept.hpp"
#include "core/page/link_trouble.hpp"
#include "core/page/recipient_page.hpp"
#include "core/s3/error_code.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace page = s3link::page;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view first = text.substr(0, text.find('\n'));
  const std::string_view rest = text.substr(std::min(text.size(), first.size() + 1));
  const bool html = page::prefers_html(first);
  if (html && (first.size() > page::kMaxAcceptBytes || first.find('/') == std::string_view::npos)) std::abort();
  const auto language = page::preferred_language(first).value_or(s3link::Language::en);
  for (const auto code : {s3link::s3::ErrorCode::access_denied, s3link::s3::ErrorCode::no_such_key}) {
    const auto trouble = page::trouble_of(rest, s3link::s3::to_answer(s3link::s3::make_error(code)), s3link::Instant{});
    if (!page::recipient_page(trouble, language, "a@b.example").starts_with("<!DOCTYPE html>")) std::abort();
  }
  (void)page::may_be_link(rest, html);
  return 0;
}
