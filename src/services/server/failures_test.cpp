#include <chrono>
#include <string>
#include <vector>

#include "core/page/recipient_page.hpp"
#include "services/server/api_fixture.hpp"

namespace s3link::server {
namespace {

using page::LinkTrouble;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kBrowser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

class FailuresTest : public ApiTest {
 protected:
  std::string link(std::string path = "/file-exchange/a.pdf", std::string method = "GET") {
    return presigned(std::move(method), std::move(path));
  }
  Reply browse(std::string target, std::string languages = {}, std::string method = "GET") {
    ports::HttpFields fields = {{"Accept", kBrowser}};
    if (!languages.empty()) fields.emplace_back("Accept-Language", std::move(languages));
    return send_presigned(std::move(method), std::move(target), {}, std::move(fields));
  }
  static void expect_page(const Reply& reply, unsigned status, LinkTrouble trouble, Language language = Language::en) {
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(reply.field("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(reply.field("Content-Language"), to_string(language));
    EXPECT_EQ(reply.field("Cache-Control"), "no-store");
    EXPECT_EQ(reply.field("Vary"), "Accept, Accept-Language");
    EXPECT_EQ(reply.field("Content-Security-Policy"), page::recipient_page_policy());
    EXPECT_EQ(reply.field("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(reply.field("X-Robots-Tag"), "noindex, nofollow");
    EXPECT_EQ(reply.field("Retry-After"), status == 503 ? "1" : "");
    EXPECT_EQ(reply.body, page::recipient_page(trouble, language, "files@example.org"));
  }
};

TEST_F(FailuresTest, AReaderWhoseLinkHasExpiredSeesAPageAndAClientXml) {
  put("/file-exchange/a.pdf", "hello");
  const std::string target = link();
  EXPECT_EQ(browse(target).body, "hello");
  clock.advance(std::chrono::hours(1));
  expect_page(browse(target), 403, LinkTrouble::expired);
  EXPECT_EQ(records.all.back().error_code, "AccessDenied");
  for (const char* const accept : {"*/*", "application/xml", "text/html, *; q=.2"}) {
    const Reply reply = send_presigned("GET", target, {}, {{"Accept", accept}});
    EXPECT_EQ(reply.outcome(), "403 AccessDenied") << accept;
    EXPECT_EQ(reply.field("Content-Type"), "application/xml");
    EXPECT_EQ(reply.field("Vary"), "");
  }
  EXPECT_EQ(send_presigned("GET", target).outcome(), "403 AccessDenied");
}

TEST_F(FailuresTest, SaysWhatHappened) {
  put("/file-exchange/a.pdf", "hello");
  const std::string target = link();
  expect_page(browse(link("/file-exchange/gone.pdf")), 404, LinkTrouble::removed);
  expect_page(browse(target.substr(0, target.size() - 5)), 403, LinkTrouble::incomplete);
  expect_page(browse("/file-exchange/a.pdf"), 403, LinkTrouble::incomplete);
  expect_page(browse(target.substr(0, target.find("X-Amz-Date"))), 400, LinkTrouble::incomplete);
  std::string other_file = target;
  other_file.replace(other_file.find("a.pdf"), 5, "b.pdf");
  expect_page(browse(other_file), 403, LinkTrouble::changed);
  std::string other_key = target;
  other_key.replace(other_key.find("AKIAIOSFODNN7EXAMPLE"), 20, "AKIAIOSFODNN7EXAMPLF");
  expect_page(browse(other_key), 403, LinkTrouble::key_gone);
  store.failures["open_object"].push_back(Error{ErrorKind::transient, "busy", {}});
  expect_page(browse(target), 503, LinkTrouble::unavailable);
  store.failures["open_object"].push_back(Error{ErrorKind::corrupt, "a bad block", {}});
  expect_page(browse(target), 500, LinkTrouble::unavailable);
}

TEST_F(FailuresTest, SpeaksTheReadersLanguage) {
  const std::string target = link();
  for (const Language language : kLanguages) {
    const std::string tag(to_string(language));
    expect_page(browse(target, "sv, " + tag + "-XX;q=0.9, *;q=0.1"), 404, LinkTrouble::removed, language);
  }
  expect_page(browse(target, "sv"), 404, LinkTrouble::removed, Language::en);
}

TEST_F(FailuresTest, HeadHasTheSameFieldsWithoutABody) {
  const Reply reply = browse(link("/file-exchange/a.pdf", "HEAD"), "de", "HEAD");
  EXPECT_EQ(reply.status, 404U);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(reply.length, page::recipient_page(LinkTrouble::removed, Language::de, "files@example.org").size());
  EXPECT_EQ(reply.field("Content-Language"), "de");
  EXPECT_EQ(reply.field("Content-Type"), "text/html; charset=utf-8");
}

TEST_F(FailuresTest, ThePageHoldsNothingOfTheRequest) {
  const Reply reply = browse("/file-exchange/%3Cb%3Esecret?X-Amz-Signature=0123abcd&X-Amz-Date=%3Cscript%3E");
  EXPECT_EQ(reply.field("Content-Language"), "en");
  for (const char* const part : {"secret", "0123abcd", "<script", "file-exchange"}) {
    EXPECT_THAT(reply.body, Not(HasSubstr(part)));
  }
}

TEST_F(FailuresTest, OthersThanReadersOfLinksGetXmlWhateverTheyAccept) {
  put("/file-exchange/a.pdf", "hello");
  const ports::HttpFields html = {{"Accept", kBrowser}};
  EXPECT_EQ(get("/file-exchange/none", html).outcome(), "404 NoSuchKey");
  EXPECT_EQ(browse("/").outcome(), "403 AccessDenied");
  EXPECT_EQ(browse("/file-exchange").outcome(), "403 AccessDenied");
  EXPECT_EQ(send_presigned("PUT", "/file-exchange/a.pdf", "x", html).outcome(), "403 AccessDenied");
  const Reply range = send_presigned("GET", link(), {}, {{"Accept", kBrowser}, {"Range", "bytes=9-"}});
  EXPECT_EQ(range.outcome(), "416 InvalidRange");
  const Reply condition = send_presigned("GET", link(), {}, {{"Accept", kBrowser}, {"If-Match", "\"x\""}});
  EXPECT_EQ(condition.outcome(), "412 PreconditionFailed");
  EXPECT_NE(browse("/_/deliveries").field("Content-Type"), "text/html; charset=utf-8");
}

TEST_F(FailuresTest, ThePageSpeaksTheServersLanguageWhereTheBrowserSaysNone) {
  S3Api german({.exchange_bucket = *s3::BucketName::parse(kBucket), .domain = {}, .language = Language::de}, keys,
               store, deliveries, dead_letters, redrive, clock, random);
  const ports::HttpRequestHead head{
      "GET", "/file-exchange/a", {{"Host", "s3.test"}, {"Accept", "text/html"}}, "192.0.2.7", false};
  const Reply reply = handle_by(german, head, test_support::FakeRequestBody(""));
  EXPECT_EQ(reply.body, page::recipient_page(LinkTrouble::incomplete, Language::de, ""));
}

}  // namespace
}  // namespace s3link::server
