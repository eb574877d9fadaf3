#include "apps/s3link/api_client.hpp"

#include <gtest/gtest.h>

namespace s3link::app {
namespace {

struct AnswerCase {
  std::string name;
  unsigned status;
  std::string body;
  ErrorKind kind;
  std::string code, message;
};
const std::vector<AnswerCase> kAnswerCases = {
    {"document", 404, "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>",
     ErrorKind::not_found, "NoSuchKey", "no such key (NoSuchKey)"},
    {"denied", 403, "<Error><Code>SignatureDoesNotMatch</Code><Message>m</Message></Error>", ErrorKind::denied,
     "SignatureDoesNotMatch", "m (SignatureDoesNotMatch)"},
    {"json", 404, R"({"error":{"code":"NoSuchDeadLetter","message":"there is none"}})", ErrorKind::not_found,
     "NoSuchDeadLetter", "there is none (NoSuchDeadLetter)"},
    {"json_of_another_form", 400, R"({"error":"text"})", ErrorKind::invalid_argument, "", "the server answered 400"},
    {"no_body", 404, "", ErrorKind::not_found, "", "the server answered 404"},
    {"not_xml", 500, "oops", ErrorKind::transient, "", "the server answered 500"},
    {"slow_down", 503, "", ErrorKind::transient, "", "the server answered 503"},
    {"too_many", 429, "", ErrorKind::transient, "", "the server answered 429"},
    {"not_implemented", 501, "", ErrorKind::invalid_argument, "", "the server answered 501"},
    {"conflict", 409, "", ErrorKind::conflict, "", "the server answered 409"},
    {"bad_request", 400, "", ErrorKind::invalid_argument, "", "the server answered 400"},
};
class AnswerTest : public testing::TestWithParam<AnswerCase> {};
TEST_P(AnswerTest, BecomesAnError) {
  const Error got = ApiClient::to_error({GetParam().status, {}, GetParam().body});
  EXPECT_EQ(got, (Error{GetParam().kind, GetParam().message, GetParam().code}));
}
INSTANTIATE_TEST_SUITE_P(Table, AnswerTest, testing::ValuesIn(kAnswerCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::app
