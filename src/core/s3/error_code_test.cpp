#include "core/s3/error_code.hpp"

#include <gtest/gtest.h>

namespace s3link::s3 {
namespace {

struct AnswerCase {
  std::string name;
  Error error;
  unsigned status;
  std::string code, message;
};
const std::vector<AnswerCase> kAnswerCases = {
    {"known_code", {ErrorKind::not_found, "no key a/b", "NoSuchKey"}, 404, "NoSuchKey", "no key a/b"},
    {"known_code_without_text",
     {ErrorKind::not_found, "", "NoSuchUpload"},
     404,
     "NoSuchUpload",
     make_error(ErrorCode::no_such_upload).message},
    {"transient", {ErrorKind::transient, "the disk is full", ""}, 503, "SlowDown", "the disk is full"},
    {"unknown_code", {ErrorKind::denied, "no", "Whatever"}, 403, "AccessDenied", "no"},
    {"internal_tells_nothing",
     {ErrorKind::internal, "SQLITE_IOERR at 0x12", ""},
     500,
     "InternalError",
     "We encountered an internal error. Please try again."},
    {"corrupt_tells_nothing",
     {ErrorKind::corrupt, "tag of package 3", ""},
     500,
     "InternalError",
     "We encountered an internal error. Please try again."},
};
class ErrorAnswerTest : public testing::TestWithParam<AnswerCase> {};
TEST_P(ErrorAnswerTest, BecomesAnS3Answer) {
  const auto got = to_answer(GetParam().error);
  EXPECT_EQ(got.status, GetParam().status);
  EXPECT_EQ(got.code, GetParam().code);
  EXPECT_EQ(got.message, GetParam().message);
}
INSTANTIATE_TEST_SUITE_P(Table, ErrorAnswerTest, testing::ValuesIn(kAnswerCases),
                         [](const auto& row) { return row.param.name; });

TEST(MakeError, TakesKindAndWordsFromTheTable) {
  const Error error = make_error(ErrorCode::entity_too_small);
  EXPECT_EQ(error.kind, ErrorKind::invalid_argument);
  EXPECT_EQ(error.code, "EntityTooSmall");
  EXPECT_FALSE(error.message.empty());
  EXPECT_EQ(to_answer(error).status, 400U);
}

}  // namespace
}  // namespace s3link::s3
