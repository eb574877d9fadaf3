#include "core/s3/content_disposition.hpp"

#include "core/base/encoding.hpp"

namespace s3link::s3 {

std::string file_name_of(std::string_view key) {
  const std::string_view name = key.substr(key.rfind('/') + 1);  // npos + 1 is 0
  return std::string(name.empty() ? std::string_view("download") : name);
}

std::string attachment_disposition(std::string_view file_name) {
  std::string out = "attachment; filename=\"";
  out.reserve(out.size() + 4 * file_name.size() + 24);
  for (const char c : file_name) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) == 0x80) continue;  // one '_' for each character, not for each byte
    const bool plain = byte >= 0x20 && byte < 0x7F && c != '"' && c != '\\' && c != '/' && c != '%';
    out += plain ? c : '_';
  }
  out += "\"; filename*=UTF-8''";
  append_uri_encoded(out, file_name);
  return out;
}

}  // namespace s3link::s3
