#include "services/lambda/tally.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace s3link::lambda {
namespace {

RecordOutcome failed(const char* type, std::string message) { return {.failure = Failure{type, std::move(message)}}; }

std::map<std::string, double> metrics_of(const Tally& tally) {
  std::map<std::string, double> out;
  for (const auto& metric : tally.metrics()) {
    EXPECT_EQ(metric.unit, "Count");
    out[metric.name] = metric.value;
  }
  return out;
}

TEST(Tally, AnswersWithWhatBecameOfTheRecords) {
  Tally tally;
  tally.add({.delivered = 2, .duplicates = 1, .failure = {}});
  tally.add({.delivered = 3, .failure = {}});
  tally.add({.dropped = true, .failure = {}});
  tally.add_swept();
  EXPECT_FALSE(tally.failed());
  EXPECT_EQ(tally.answer(), R"({"delivered":5,"dropped":1,"duplicates":1,"swept":1})");
}

TEST(Tally, MailsOfAFailedRecordCountToo) {
  Tally tally;
  tally.add({.delivered = 1, .duplicates = 1, .failure = Failure{kMailFailed, "b/k: no"}});
  EXPECT_TRUE(tally.failed());
  const std::map<std::string, double> want = {{"Delivered", 1}, {"Failed", 1}, {"Dropped", 0}, {"Duplicate", 1}};
  EXPECT_EQ(metrics_of(tally), want);
}

struct ErrorCase {
  std::string name;
  std::vector<RecordOutcome> records;
  std::vector<Failure> others;
  std::string want_type, want_message;
};
const std::vector<ErrorCase> kErrorCases = {
    {"the_only_record", {failed(kMailRefused, "b/k: no")}, {}, kMailRefused, "b/k: no"},
    {"one_of_two",
     {{.delivered = 1, .failure = {}}, failed(kMailFailed, "b/k: no")},
     {},
     kMailFailed,
     "1 of 2 records failed: b/k: no"},
    {"the_first_names_the_type",
     {failed(kMailFailed, "b/1: no"), failed(kLedgerError, "b/2: no")},
     {},
     kMailFailed,
     "2 of 2 records failed: b/1: no; b/2: no"},
    {"three_reasons_at_most",
     {failed(kInProgress, "1"), failed(kInProgress, "2"), failed(kInProgress, "3"), failed(kInProgress, "4"),
      failed(kInProgress, "5")},
     {},
     kInProgress,
     "5 of 5 records failed: 1; 2; 3; and 2 more"},
    {"no_record_at_all", {}, {{kInvalidEvent, "Records: missing"}}, kInvalidEvent, "Records: missing"},
    {"what_is_no_record_is_not_counted_as_one",
     {{.delivered = 1, .failure = {}}, {.delivered = 1, .failure = {}}},
     {{kSweepFailed, "cannot be listed"}},
     kSweepFailed,
     "cannot be listed"},
    {"records_and_something_else",
     {failed(kMailFailed, "1"), failed(kMailFailed, "2")},
     {{kSweepFailed, "cannot be listed"}},
     kMailFailed,
     "2 of 2 records failed: 1; 2; cannot be listed"},
};
class ErrorTest : public testing::TestWithParam<ErrorCase> {};
TEST_P(ErrorTest, SaysHowManyFailedAndWhy) {
  Tally tally;
  for (const auto& record : GetParam().records) tally.add(record);
  for (const auto& other : GetParam().others) tally.add_failure(other);
  ASSERT_TRUE(tally.failed());
  EXPECT_EQ(tally.error().type, GetParam().want_type);
  EXPECT_EQ(tally.error().message, GetParam().want_message);
}
INSTANTIATE_TEST_SUITE_P(Table, ErrorTest, testing::ValuesIn(kErrorCases),
                         [](const auto& row) { return row.param.name; });

TEST(Tally, ALongReasonIsCutBetweenCharacters) {
  Tally tally;
  std::string text;
  for (std::size_t i = 0; i < Tally::kMaxReasonCharacters; ++i) text += "ä";
  tally.add_failure({kInternalError, text + "ä"});
  EXPECT_EQ(tally.error().message, text);
}

TEST(Tally, AReasonThatIsNoUtf8IsCutToo) {
  Tally tally;
  tally.add_failure({kInternalError, std::string(Tally::kMaxReasonCharacters + 1, '\xFF')});
  EXPECT_EQ(tally.error().message.size(), Tally::kMaxReasonCharacters);
}

struct MailFailureCase {
  std::string name;
  ErrorKind kind;
  bool maybe_sent;
  const char* want;
};
const std::vector<MailFailureCase> kMailFailureCases = {
    {"denied", ErrorKind::denied, false, kMailRefused},
    {"invalid", ErrorKind::invalid_argument, false, kMailRefused},
    {"transient", ErrorKind::transient, false, kMailFailed},
    {"internal", ErrorKind::internal, false, kMailFailed},
    {"lost_answer", ErrorKind::transient, true, kMailMaybeSent},
    {"maybe_sent_whatever_the_kind", ErrorKind::denied, true, kMailMaybeSent},
};
class MailFailureTest : public testing::TestWithParam<MailFailureCase> {};
TEST_P(MailFailureTest, IsClassed) {
  EXPECT_STREQ(mail_failure_type({.kind = GetParam().kind, .message = {}, .code = {}}, GetParam().maybe_sent),
               GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, MailFailureTest, testing::ValuesIn(kMailFailureCases),
                         [](const auto& row) { return row.param.name; });

struct RefusalCase {
  std::string name, code;
  bool want;
};
const std::vector<RefusalCase> kRefusalCases = {
    {"expired_session", "ExpiredTokenException", true}, {"deleted_key", "UnrecognizedClientException", true},
    {"changed_secret", "SignatureDoesNotMatch", true},  {"deleted_key_of_s3", "InvalidAccessKeyId", true},
    {"not_allowed", "AccessDeniedException", true},     {"mail_refused", "MessageRejected", false},
    {"throttled", "TooManyRequestsException", false},   {"no_code", "", false},
};
class RefusalTest : public testing::TestWithParam<RefusalCase> {};
TEST_P(RefusalTest, OfCredentialsIsTold) {
  EXPECT_EQ(is_refusal_of_credentials({.kind = ErrorKind::denied, .message = {}, .code = GetParam().code}),
            GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, RefusalTest, testing::ValuesIn(kRefusalCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::lambda
