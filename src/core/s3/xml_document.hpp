#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

/// What the readers of clients' documents share: only for the .cpp files of this folder, because of pugixml. The bounds
/// are those of xml_reader.hpp.
namespace s3link::s3::xml {

/// MalformedXML, in the table's words unless others are given.
std::unexpected<Error> malformed(std::string message = {});

/// The root element of that name; `document` holds the tree. Errors: MalformedXML, MaxMessageLengthExceeded.
Result<pugi::xml_node> read_document(pugi::xml_document& document, std::string_view xml, const char* root);

/// All text inside, in one piece; an element inside is an error. Errors: MalformedXML.
Result<std::string> text_of(const pugi::xml_node& element);

/// A number, a name, a tag: white space around it does not belong to it.
std::string_view stripped(std::string_view text);

}  // namespace s3link::s3::xml
