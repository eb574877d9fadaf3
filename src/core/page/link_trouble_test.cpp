#include "core/page/link_trouble.hpp"

#include <gtest/gtest.h>

#include <string>

namespace s3link::page {
namespace {

using s3::ErrorCode;

const std::string kCredential = "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261208%2Fus-east-1%2Fs3%2Faws4_request";
const std::string kSignature = "X-Amz-Signature=" + std::string(64, 'a');

std::string link(std::string_view separator = "&") {
  const std::string sep(separator);
  return "/file-exchange/a.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256" + sep + kCredential + sep +
         "X-Amz-Date=20261208T120000Z" + sep + "X-Amz-Expires=3600" + sep + "X-Amz-SignedHeaders=host" + sep +
         kSignature;
}

LinkTrouble of(std::string_view target, ErrorCode code, std::string_view now = "20261208T120000Z") {
  return trouble_of(target, s3::to_answer(s3::make_error(code)), *parse_amz_date(now));
}

TEST(TroubleOf, IsTheLikeliestCause) {
  EXPECT_EQ(of(link(), ErrorCode::internal_error), LinkTrouble::unavailable);
  EXPECT_EQ(of(link(), ErrorCode::slow_down), LinkTrouble::unavailable);
  EXPECT_EQ(of(link(), ErrorCode::no_such_key), LinkTrouble::removed);
  EXPECT_EQ(of(link(), ErrorCode::no_such_bucket), LinkTrouble::removed);
  EXPECT_EQ(of(link(), ErrorCode::invalid_access_key_id), LinkTrouble::key_gone);
  EXPECT_EQ(of(link(), ErrorCode::signature_does_not_match), LinkTrouble::changed);
}

TEST(TroubleOf, IsExpiredFromTheDeadlineOn) {
  EXPECT_EQ(of(link(), ErrorCode::access_denied, "20261208T125959Z"), LinkTrouble::changed);
  EXPECT_EQ(of(link(), ErrorCode::access_denied, "20261208T130000Z"), LinkTrouble::expired);
}

TEST(TroubleOf, IsIncompleteWhereverTheLinkIsCutOff) {
  const std::string whole = link();
  for (std::size_t length = std::string("/file-exchange/a.pdf").size(); length < whole.size(); ++length) {
    EXPECT_EQ(of(whole.substr(0, length), ErrorCode::access_denied, "20261209T000000Z"), LinkTrouble::incomplete)
        << whole.substr(0, length);
  }
}

TEST(TroubleOf, IsChangedWhereTheLinkIsGarbled) {
  EXPECT_EQ(of(link("&amp;"), ErrorCode::authorization_query_parameters_error), LinkTrouble::changed);
  std::string path = link();
  path.replace(path.find('?'), 1, "%3F");
  EXPECT_EQ(of(path, ErrorCode::access_denied), LinkTrouble::changed);
  EXPECT_EQ(of(link() + "%", ErrorCode::invalid_uri), LinkTrouble::changed);
  EXPECT_EQ(of(link() + "&" + kSignature, ErrorCode::authorization_query_parameters_error), LinkTrouble::changed);
}

TEST(MayBeLink, IsWhatNamesAFileOrHoldsPartsOfASignature) {
  for (const char* const target : {"/b/k", "/b/a/", "/b/k?X-Amz-Date=1", "/?x-amz-signature=1", "/b%3FX-AMZ-Date"}) {
    EXPECT_TRUE(may_be_link(target, false)) << target;
  }
  for (const char* const target : {"/", "/b", "/b/", "//k", "*", "", "/favicon.ico", "/b?list-type=2"}) {
    EXPECT_FALSE(may_be_link(target, false)) << target;
  }
  EXPECT_TRUE(may_be_link("/k", true));
  EXPECT_FALSE(may_be_link("/", true));
  EXPECT_FALSE(may_be_link("/?list-type=2", true));
}

}  // namespace
}  // namespace s3link::page
