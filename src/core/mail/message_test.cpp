#include "core/mail/message.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace s3link::mail {
namespace {

MessageParts parts() {
  return {.from = *Address::parse("files@example.org"),
          .from_name = "s3link",
          .to = *Address::parse("you@example.net"),
          .subject = "\"Q3 report.pdf\", available until 8 Dec 14:00 UTC",
          .date = *parse_iso8601("2026-12-08T09:00:05Z"),
          .message_id = "<0123456789abcdef0123456789abcdef@example.org>",
          .text = "Hello\nhttps://files.example.org/?a=b\n",
          .html = "<p>Hello</p>\n",
          .boundary_seed = "00112233445566778899aabb"};
}

std::string built(const MessageParts& p) {
  const Secret message = build_message(p);
  return std::string(message.reveal());
}

TEST(BuildMessage, HasEveryHeaderOnceAndBothBodies) {
  EXPECT_EQ(built(parts()),
            "Date: Tue, 08 Dec 2026 09:00:05 +0000\r\n"
            "From: s3link <files@example.org>\r\n"
            "To: you@example.net\r\n"
            "Message-ID: <0123456789abcdef0123456789abcdef@example.org>\r\n"
            "Subject: \"Q3 report.pdf\", available until 8 Dec 14:00 UTC\r\n"
            "Auto-Submitted: auto-generated\r\n"
            "X-Auto-Response-Suppress: All\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: multipart/alternative;\r\n"
            " boundary=\"=_00112233445566778899aabb\"\r\n"
            "\r\n"
            "--=_00112233445566778899aabb\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n"
            "\r\n"
            "Hello\r\n"
            "https://files.example.org/?a=3Db\r\n"
            "\r\n"
            "--=_00112233445566778899aabb\r\n"
            "Content-Type: text/html; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n"
            "\r\n"
            "<p>Hello</p>\r\n"
            "\r\n"
            "--=_00112233445566778899aabb--\r\n");
}

TEST(BuildMessage, WithoutHtmlTheTextStandsAlone) {
  MessageParts p = parts();
  p.html = {};
  const std::string message = built(p);
  EXPECT_EQ(message.substr(message.find("MIME-Version")),
            "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n"
            "\r\n"
            "Hello\r\n"
            "https://files.example.org/?a=3Db\r\n"
            "\r\n");
}

struct HeaderCase {
  std::string name, from_name, subject;
  std::vector<std::string> want;  // header lines that must be there
};
const std::vector<HeaderCase> kHeaderCases = {
    {"no_name", "", "s", {"From: files@example.org"}},
    {"non_ascii",
     "Böse & Co",
     "日本",
     {"From: =?utf-8?B?QsO2c2UgJiBDbw==?= <files@example.org>", "Subject: =?utf-8?B?5pel5pys?="}},
    {"injection",
     "x\r\nBcc: a@b.example",
     "s\r\nBcc: a@b.example\r\n\r\nbody",
     {"From: \"x Bcc: a@b.example\" <files@example.org>", "Subject: s Bcc: a@b.example body"}},
    {"long_name_is_folded",
     "The File Exchange of the Department of Everything Else",
     "s",
     {"From: The File Exchange of the Department of Everything Else", " <files@example.org>"}},
};
class HeaderTest : public testing::TestWithParam<HeaderCase> {};
TEST_P(HeaderTest, IsEncodedAndCannotBeBrokenOut) {
  MessageParts p = parts();
  p.from_name = GetParam().from_name;
  p.subject = GetParam().subject;
  const std::string message = built(p);
  const std::string head = message.substr(0, message.find("\r\n\r\n") + 2);
  for (const std::string& line : GetParam().want) EXPECT_TRUE(("\r\n" + head).contains("\r\n" + line + "\r\n")) << head;
  EXPECT_FALSE(head.contains("\r\nBcc")) << head;
}
INSTANTIATE_TEST_SUITE_P(Table, HeaderTest, testing::ValuesIn(kHeaderCases),
                         [](const auto& row) { return row.param.name; });

TEST(BuildMessage, IsSevenBitWithShortLines) {
  MessageParts p = parts();
  const std::string name(300, 'n');
  std::string subject;
  for (int i = 0; i < 300; ++i) subject += "报📎";
  std::string body;
  for (int i = 0; i < 1'000; ++i) body += "ü=\x01 \r.";
  p.from_name = name;
  p.subject = subject;
  p.text = body;
  p.html = body;
  const std::string message = built(p);
  std::size_t begin = 0;
  while (begin < message.size()) {
    const auto end = message.find("\r\n", begin);
    ASSERT_NE(end, std::string::npos);
    ASSERT_LE(end - begin, 78U);
    begin = end + 2;
  }
  EXPECT_EQ(std::ranges::count(message, '\r'), std::ranges::count(message, '\n'));
  EXPECT_TRUE(std::ranges::all_of(message, [](char c) { return (c >= ' ' && c <= '~') || c == '\r' || c == '\n'; }));
}

TEST(MessageIdOf, FollowsFromTheIdentity) {
  const auto sender = *Address::parse("s3link@mail.example.org");
  const std::string id = message_id_of({"bucket", "key", "2A", "you@localhost", "link"}, sender);
  EXPECT_EQ(id, message_id_of({"bucket", "key", "2A", "you@localhost", "link"}, sender));
  EXPECT_EQ(id.size(), std::string_view("<@mail.example.org>").size() + 32);
  EXPECT_TRUE(id.starts_with("<") && id.ends_with("@mail.example.org>"));
  EXPECT_NE(id, message_id_of({"bucket", "key", "2B", "you@localhost", "link"}, sender));
  EXPECT_NE(message_id_of({"ab", "c"}, sender), message_id_of({"a", "bc"}, sender));
  EXPECT_NE(message_id_of({"a", ""}, sender), message_id_of({"a"}, sender));
}

}  // namespace
}  // namespace s3link::mail
