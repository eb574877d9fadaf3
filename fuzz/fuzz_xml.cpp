// The documents clients send. Whatever comes is read or refused; and the keys that were read, written by our writer,
// are read again as they were, as far as XML can hold them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/base/encoding.hpp"
#include "core/s3/lifecycle.hpp"
#include "core/s3/xml_reader.hpp"
#include "core/s3/xml_writer.hpp"

namespace {

using namespace s3link;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Whether XML has a form for it (XML 1.0 §2.2). Clients send what it has none for, as references that it forbids.
bool can_be_written(std::string_view text) {
  s3::XmlWriter writer("Text");
  writer.element("Text", text);
  return !writer.lossy();
}

void check_delete(std::string_view xml) {
  const auto read = s3::parse_delete(xml);
  if (!read) return;
  require(!read->entries.empty() && read->entries.size() <= s3::kMaxDeleteKeys);
  s3::XmlWriter writer("Delete");
  for (const auto& entry : read->entries) {
    require(!entry.key.empty() && is_utf8(entry.key) && !entry.key.contains('\0'));
    writer.open("Object");
    writer.element("Key", entry.key);
    writer.close();
  }
  const auto again = s3::parse_delete(writer.finish());
  require(again.has_value() && again->entries.size() == read->entries.size());
  for (std::size_t i = 0; i < read->entries.size(); ++i) {
    const std::string& key = read->entries[i].key;
    require(!can_be_written(key) || again->entries[i].key == key);
  }
}

void check_complete(std::string_view xml) {
  const auto read = s3::parse_complete(xml);
  if (!read) return;
  unsigned previous = 0;
  for (const auto& part : *read) {
    require(part.number > previous && part.number <= s3::kMaxPartNumber);
    previous = part.number;
  }
}

/// What we answer of a configuration that was taken is the same configuration; its own document is longer only by
/// escapes.
void check_lifecycle(std::string_view xml) {
  const auto read = s3::parse_lifecycle(xml);
  if (!read) return;
  require(!read->empty() && read->size() <= s3::kMaxLifecycleRules);
  for (const s3::LifecycleRule& rule : *read) {
    require(rule.expiration || rule.abort_upload);
    if (!can_be_written(rule.id) || !can_be_written(rule.prefix)) return;
  }
  const std::string document = s3::lifecycle_document(*read);
  if (document.size() > s3::kMaxLifecycleBytes) return;
  const auto again = s3::parse_lifecycle(document);
  require(again.has_value() && *again == *read);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  check_delete(xml);
  check_complete(xml);
  check_lifecycle(xml);
  (void)s3::parse_create_bucket(xml);
  return 0;
}
