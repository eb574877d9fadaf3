#include "core/s3/access_log_record.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace s3link::s3 {
namespace {

using namespace std::chrono_literals;

const Instant kTime = *parse_iso8601("2019-02-06T00:00:38.999Z");

/// The example of the User Guide's page, with our own names: every field is filled.
AccessLogRecord full_record() {
  return {.bucket_owner = "s3link",
          .bucket = "file-exchange",
          .time = kTime,
          .remote_ip = "192.0.2.3",
          .requester = "AKIAIOSFODNN7EXAMPLE",
          .request_id = "3E57427F3E57427F",
          .operation = "REST.GET.OBJECT",
          .key = "photos/a b.jpg",
          .method = "GET",
          .target = "/file-exchange/photos/a%20b.jpg",
          .status = 206,
          .error_code = "NoSuchKey",
          .bytes_sent = 113,
          .object_size = 4096,
          .total = 70ms,
          .turn_around = 10ms,
          .referer = "https://example.org/x",
          .user_agent = "S3Console/0.4",
          .version_id = "null",
          .host_id = "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuN",
          .signature_version = "SigV4",
          .cipher_suite = "TLS_AES_256_GCM_SHA384",
          .authentication_type = "AuthHeader",
          .host = "files.example.org:9000",
          .tls_version = "TLSv1.3",
          .region = "us-east-1"};
}

TEST(AccessLogLineTest, HasEveryFieldInItsPlace) {
  EXPECT_EQ(
      access_log_line(full_record()),
      "s3link file-exchange [06/Feb/2019:00:00:38 +0000] 192.0.2.3 AKIAIOSFODNN7EXAMPLE 3E57427F3E57427F "
      "REST.GET.OBJECT photos/a%2520b.jpg \"GET /file-exchange/photos/a%20b.jpg HTTP/1.1\" 206 NoSuchKey 113 4096 "
      "70 10 \"https://example.org/x\" \"S3Console/0.4\" null s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuN SigV4 "
      "TLS_AES_256_GCM_SHA384 AuthHeader files.example.org:9000 TLSv1.3 - - us-east-1");
}

TEST(AccessLogLineTest, NoTextMakesTheLineLong) {
  const std::string hostile(15'900, '\xFF');
  for (const std::string& text :
       {hostile, std::string(15'900, 'a'), std::string(15'900, '"'), std::string(7'000, '/')}) {
    AccessLogRecord record = full_record();
    for (std::string_view AccessLogRecord::* const field :
         {&AccessLogRecord::key, &AccessLogRecord::method, &AccessLogRecord::target, &AccessLogRecord::referer,
          &AccessLogRecord::user_agent, &AccessLogRecord::host, &AccessLogRecord::operation,
          &AccessLogRecord::remote_ip})
      record.*field = text;
    const std::string line = access_log_line(record);
    EXPECT_LE(line.size(), 16U * 1024) << "all of them";
    EXPECT_TRUE(line.contains("...")) << "the cut is marked";
  }
}

TEST(AccessLogLineTest, ACutIsMarkedAndLeavesEscapesWhole) {
  for (std::size_t lead = 0; lead < 6; ++lead) {
    AccessLogRecord record = full_record();
    const std::string text = std::string(lead, 'a') + std::string(9'000, '\xFF');
    record.key = text;
    record.user_agent = text;
    const std::string line = access_log_line(record);
    const auto agent_end = line.find("...\" null");
    ASSERT_NE(agent_end, std::string::npos) << line.substr(line.size() - 200);
    EXPECT_EQ(line.substr(agent_end - 3, 3), "%FF") << lead;
    const auto key_end = line.find("... \"GET");
    ASSERT_NE(key_end, std::string::npos);
    EXPECT_EQ(line.substr(key_end - 5, 5), "%25FF") << lead;
  }
}

TEST(AccessLogLineTest, TheLongestLegalKeyIsWhole) {
  AccessLogRecord record = full_record();
  std::string key;
  while (key.size() < 1022) key += "\xE2\x82\xAC";
  record.key = key;
  const std::string line = access_log_line(record);
  EXPECT_FALSE(line.contains("..."));
  EXPECT_TRUE(line.contains("%25E2%2582%25AC \"GET"));
}

TEST(AccessLogLineTest, WhatIsNotKnownIsADash) {
  AccessLogRecord record{};
  record.time = kTime;
  record.method = "GET";
  record.target = "/";
  EXPECT_EQ(
      access_log_line(record),
      "- - [06/Feb/2019:00:00:38 +0000] - - - - - \"GET / HTTP/1.1\" - - - - 0 - \"-\" \"-\" - - - - - - - - - -");
}

struct HostileCase {
  std::string name, text, in_quotes, in_host;
};
const std::vector<HostileCase> kHostileCases = {
    {"quote", "a\"b", "a%22b", "a%22b"},
    {"blank", "a b", "a b", "a%20b"},
    {"line_end", "a\r\nb", "a%0D%0Ab", "a%0D%0Ab"},
    {"nul_and_delete", std::string("\0\x7f", 2), "%00%7F", "%00%7F"},
    {"utf8", "\xc3\xa4", "%C3%A4", "%C3%A4"},
    {"not_utf8", "\xff", "%FF", "%FF"},
    {"backslash_stays", "\\\"", "\\%22", "\\%22"},
};

class HostileAccessLogTest : public testing::TestWithParam<HostileCase> {};

TEST_P(HostileAccessLogTest, CannotLeaveItsField) {
  AccessLogRecord record = full_record();
  record.user_agent = GetParam().text;
  record.host = GetParam().text;
  const std::string line = access_log_line(record);
  EXPECT_NE(line.find("\"https://example.org/x\" \"" + GetParam().in_quotes + "\" null "), std::string::npos) << line;
  EXPECT_NE(line.find(" AuthHeader " + GetParam().in_host + " TLSv1.3 - - us-east-1"), std::string::npos) << line;
}

INSTANTIATE_TEST_SUITE_P(Table, HostileAccessLogTest, testing::ValuesIn(kHostileCases),
                         [](const auto& row) { return row.param.name; });

struct SecretCase {
  std::string name, url, want;
};
const std::vector<SecretCase> kSecretCases = {
    {"no_query", "/b/k", "/b/k"},
    {"harmless", "/b/k?x=1&y", "/b/k?x=1&y"},
    {"presigned", "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F1&X-Amz-Signature=abc&x=1",
     "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F1&X-Amz-Signature=-&x=1"},
    {"token", "/b/k?X-Amz-Security-Token=t%3D&a=b", "/b/k?X-Amz-Security-Token=-&a=b"},
    {"other_case", "/b/k?x-amz-SIGNATURE=abc", "/b/k?x-amz-SIGNATURE=-"},
    {"encoded_name", "/b/k?X-Amz-Sign%61ture=abc", "/b/k?X-Amz-Sign%61ture=-"},
    {"twice", "/b/k?X-Amz-Signature=a&X-Amz-Signature=b", "/b/k?X-Amz-Signature=-&X-Amz-Signature=-"},
    {"equals_in_value", "/b/k?X-Amz-Signature=a=b", "/b/k?X-Amz-Signature=-"},
    {"question_in_query", "/b/k?a?X-Amz-Signature=a&X-Amz-Signature=b", "/b/k?a?X-Amz-Signature=a&X-Amz-Signature=-"},
    {"version_2", "/b/k?AWSAccessKeyId=AK&Signature=abc", "/b/k?AWSAccessKeyId=AK&Signature=-"},
    {"broken_escape_beside", "/b/k?x=%zz&X-Amz-Signature=a", "/b/k?x=%zz&X-Amz-Signature=-"},
    {"empty", "", ""},
    {"ends_in_ampersand", "/?X-Amz-Signature=a&", "/?X-Amz-Signature=-&"},
};

class WithoutSecretsTest : public testing::TestWithParam<SecretCase> {};

TEST_P(WithoutSecretsTest, KeepsTheRest) { EXPECT_EQ(without_secrets(GetParam().url), GetParam().want); }

INSTANTIATE_TEST_SUITE_P(Table, WithoutSecretsTest, testing::ValuesIn(kSecretCases),
                         [](const auto& row) { return row.param.name; });

TEST(AccessLogLineTest, NeitherTargetNorRefererGiveASignatureAway) {
  AccessLogRecord record = full_record();
  record.target = "/b/k?X-Amz-Signature=abc";
  record.referer = "http://h/b/k?X-Amz-Signature=abc";
  EXPECT_EQ(access_log_line(record).find("abc"), std::string::npos);
}

// A mail program that turns "?" into "%3F" makes the whole link a key; some put it into User-Agent, too.
TEST(AccessLogLineTest, MangledLinkGivesNoSignatureAway) {
  for (const char* mangled : {"k%3FX-Amz-Expires=5&X-Amz-Signature=abcabc", "k?X-Amz-Signature=abcabc",
                              "k%3fX-Amz-Expires%3D5%26X-Amz-Signature%3Dabcabc", "k%253FX-AMZ-SIGNATURE%253Dabcabc"}) {
    AccessLogRecord record = full_record();
    const std::string target = std::string("/b/") + mangled, user_agent = std::string("Scanner (") + mangled + ")";
    record.key = mangled;
    record.target = target;
    record.referer = mangled;
    record.user_agent = user_agent;
    record.host = mangled;
    EXPECT_EQ(access_log_line(record).find("abcabc"), std::string::npos) << access_log_line(record);
  }
}

struct OperationCase {
  std::string name, method, target;
  bool has_key;
  std::string want;
};
const std::vector<OperationCase> kOperationCases = {
    {"put_object", "PUT", "/b/k", true, "REST.PUT.OBJECT"},
    {"get_presigned", "GET", "/b/k?X-Amz-Signature=1", true, "REST.GET.OBJECT"},
    {"head_object", "HEAD", "/b/k", true, "REST.HEAD.OBJECT"},
    {"list", "GET", "/b?list-type=2", false, "REST.GET.BUCKET"},
    {"begin_upload", "POST", "/b/k?uploads", true, "REST.POST.UPLOADS"},
    {"part", "PUT", "/b/k?partNumber=1&uploadId=u", true, "REST.PUT.PART"},
    {"complete", "POST", "/b/k?uploadId=u", true, "REST.POST.UPLOAD"},
    {"abort", "DELETE", "/b/k?uploadId=u", true, "REST.DELETE.UPLOAD"},
    {"multi_delete", "POST", "/b?delete", false, "REST.POST.MULTI_OBJECT_DELETE"},
    {"lifecycle", "PUT", "/b?lifecycle", false, "REST.PUT.LIFECYCLE"},
    {"versioning", "GET", "/b?versioning", false, "REST.GET.VERSIONING"},
    {"lifecycle_of_an_object_is_none", "GET", "/b/k?lifecycle", true, "REST.GET.OBJECT"},
    {"tagging", "GET", "/b/k?tagging=", true, "REST.GET.OBJECT_TAGGING"},
    {"odd_method", "G T", "/b/k", true, "REST.G%20T.OBJECT"},
};

class AccessLogOperationTest : public testing::TestWithParam<OperationCase> {};

TEST_P(AccessLogOperationTest, NamesMethodAndResource) {
  EXPECT_EQ(access_log_operation(GetParam().method, GetParam().target, GetParam().has_key), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(Table, AccessLogOperationTest, testing::ValuesIn(kOperationCases),
                         [](const auto& row) { return row.param.name; });

TEST(AccessLogKeyTest, IsNamedByTimeAndId) {
  EXPECT_EQ(access_log_key(kTime, "0123456789ABCDEF"), "_access_logs2019-02-06-00-00-38-0123456789ABCDEF");
}

}  // namespace
}  // namespace s3link::s3
