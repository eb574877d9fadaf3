#include "core/s3/xml_writer.hpp"

#include <gtest/gtest.h>

namespace s3link::s3 {
namespace {

const std::string kHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

TEST(XmlWriter, ClosesWhatIsOpen) {
  XmlWriter xml("Error", XmlWriter::Namespace::none);
  xml.element("Code", "NoSuchKey");
  xml.open("A");
  xml.element("Size", 12U);
  xml.element("Last", true);
  EXPECT_EQ(xml.finish(), kHead + "<Error><Code>NoSuchKey</Code><A><Size>12</Size><Last>true</Last></A></Error>");
}

TEST(XmlWriter, HasTheNamespaceOfS3) {
  XmlWriter xml("LocationConstraint");
  xml.text("eu-west-1");
  EXPECT_EQ(xml.finish(), kHead +
                              "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">eu-west-1"
                              "</LocationConstraint>");
}

TEST(XmlWriter, EscapesMarkupAndControlCharacters) {
  XmlWriter xml("K", XmlWriter::Namespace::none);
  xml.text("a<b>&\"'\r\n\t\x7F漢");
  EXPECT_FALSE(xml.lossy());
  EXPECT_EQ(xml.finish(), kHead + "<K>a&lt;b&gt;&amp;&quot;'&#xd;&#xa;&#x9;&#x7f;漢</K>");
}

TEST(XmlWriter, WhatXmlCannotHoldDoesNotBreakTheDocument) {
  for (const std::string& text : {std::string(1, '\0'), std::string("\x01"), std::string("\x0B"), std::string("\x1F"),
                                  std::string("\uFFFE"), std::string("\uFFFF")}) {
    XmlWriter xml("K", XmlWriter::Namespace::none);
    xml.text("a" + text + "b");
    EXPECT_TRUE(xml.lossy());
    EXPECT_EQ(xml.finish(), kHead + "<K>a\uFFFDb</K>");
  }
  for (const std::string text : {"\uFFFD", "\uFFFC", "\uFEFF", "\U0001FFFE", "\t"}) {
    XmlWriter xml("K", XmlWriter::Namespace::none);
    xml.text(text);
    EXPECT_FALSE(xml.lossy()) << text;
  }
}

}  // namespace
}  // namespace s3link::s3
