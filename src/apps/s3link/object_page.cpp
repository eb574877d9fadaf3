#include "apps/s3link/object_page.hpp"

#include <pugixml.hpp>

#include "core/base/encoding.hpp"

namespace s3link::app {

Result<ObjectPage> parse_object_page(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node root =
      document.load_buffer(xml.data(), xml.size(), pugi::parse_default | pugi::parse_ws_pcdata_single)
          ? document.child("ListBucketResult")
          : pugi::xml_node();
  if (!root) return fail(ErrorKind::internal, "the server's answer is not a ListBucketResult");
  const bool encoded = std::string_view(root.child_value("EncodingType")) == "url";
  ObjectPage page;
  for (const pugi::xml_node node : root.children("Contents")) {
    const std::string raw = node.child_value("Key");
    const auto key = encoded ? form_decode(raw) : std::optional(raw);
    const auto modified = parse_iso8601(node.child_value("LastModified"));
    if (!key || !modified) return fail(ErrorKind::internal, "the server's list has a broken key or date");
    std::string etag = node.child_value("ETag");
    std::erase(etag, '"');
    page.objects.push_back({*key, node.child("Size").text().as_ullong(), std::move(etag), *modified});
  }
  if (root.child("IsTruncated").text().as_bool()) page.next_token = root.child_value("NextContinuationToken");
  return page;
}

}  // namespace s3link::app
