#include "adapters/aws/dynamodb_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/aws/aws_fixture_test.hpp"
#include "adapters/aws/fake_dynamodb_test.hpp"
#include "support/fake_claim_ledger.hpp"

namespace s3link::aws {
namespace {

using ports::Claim;
using ports::ClaimKey;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

class DynamoDbLedgerTest : public AwsTest {
 protected:
  DynamoDbLedgerTest() {
    http.otherwise = [this](const auto& exchange) { return table.handle(exchange); };
  }
  ClaimKey a_key(std::string sequencer = "0A") const {
    return {.bucket = "file-exchange",
            .key = "reports/a \"b\" ö.pdf",
            .version = "9b2cf535f27731c974343645a3985328",
            .recipient = "ann@example.org",
            .sequencer = std::move(sequencer),
            .seen = start,
            .modified = {}};
  }
  auto claim(const ClaimKey& key, std::string owner = "one", std::chrono::milliseconds lease = 30s) {
    return run_sync(ledger.claim(key, std::move(owner), clock.now(), in(lease), in(25s), under));
  }
  auto record(const ClaimKey& key, std::string owner = "one") {
    return run_sync(ledger.record_sent(key, std::move(owner), "0107-1", clock.now(), in(48h), in(25s), under));
  }
  auto release(const ClaimKey& key, std::string owner = "one") {
    return run_sync(ledger.release(key, std::move(owner), in(25s), under));
  }
  /// The only item's attribute, as it is written: {"S":"…"}.
  std::string attribute(std::string_view name) const {
    EXPECT_THAT(table.items, SizeIs(1));
    const auto& item = table.items.begin()->second;
    return item.contains(name) ? boost::json::serialize(item.at(name)) : "(none)";
  }

  const Instant start = clock.now();
  FakeDynamoDb table;
  DynamoDbLedger ledger{caller, at(Service::dynamodb), "claims"};
};

TEST_F(DynamoDbLedgerTest, AClaimIsOneConditionalRequest) {
  EXPECT_EQ(claim(a_key()), Claim::won);
  ASSERT_THAT(http.exchanges, SizeIs(1));
  EXPECT_EQ(last().request.host, "dynamodb.eu-central-1.amazonaws.com");
  EXPECT_EQ(last().request.target, "/");
  EXPECT_EQ(last().field("X-Amz-Target"), "DynamoDB_20120810.UpdateItem");
  EXPECT_EQ(last().field("Content-Type"), "application/x-amz-json-1.0");
  EXPECT_THAT(last().body, HasSubstr(R"("ReturnValuesOnConditionCheckFailure":"ALL_OLD")"));
  EXPECT_EQ(under.children[0].name, "DynamoDB");
  EXPECT_EQ(under.children[0].aws->operation, "UpdateItem");
}

TEST_F(DynamoDbLedgerTest, TheItemIsAsTheFormatSays) {
  EXPECT_EQ(claim(a_key("0a")), Claim::won);
  EXPECT_EQ(attribute("object"), R"({"S":"file-exchange/reports/a \"b\" ö.pdf"})");
  EXPECT_EQ(attribute("delivery"), R"({"S":"9b2cf535f27731c974343645a3985328 ann@example.org"})");
  EXPECT_EQ(attribute("item_version"), R"({"N":"1"})");
  EXPECT_EQ(attribute("lease_owner"), R"({"S":"one"})");
  EXPECT_EQ(attribute("lease_until"), R"({"N":"1767323075000"})");
  EXPECT_EQ(attribute("expires"), R"({"N":"1767409475"})");
  EXPECT_EQ(attribute("sent_at"), "(none)");

  ASSERT_TRUE(record(a_key("0a")));
  EXPECT_EQ(attribute("lease_owner"), "(none)");
  EXPECT_EQ(attribute("lease_until"), "(none)");
  EXPECT_EQ(attribute("sent_at"), R"({"N":"1767323045000"})");
  EXPECT_EQ(attribute("seen_at"), R"({"N":"1767323045000"})");
  EXPECT_EQ(attribute("message_id"), R"({"S":"0107-1"})");
  EXPECT_EQ(attribute("sequencer"), R"({"S":"0A000000000000000000000000000000"})");
  EXPECT_EQ(attribute("expires"), R"({"N":"1767495845"})");
}

TEST_F(DynamoDbLedgerTest, ALeaseIsHeldUntilItEnds) {
  EXPECT_EQ(claim(a_key()), Claim::won);
  EXPECT_EQ(claim(a_key(), "two"), Claim::held);
  EXPECT_EQ(claim(a_key()), Claim::won) << "its own owner renews it";
  clock.advance(30s);
  EXPECT_EQ(claim(a_key(), "two"), Claim::won);
  EXPECT_EQ(claim(a_key()), Claim::held);
}

TEST_F(DynamoDbLedgerTest, WhatWasSentIsDone) {
  EXPECT_EQ(claim(a_key()), Claim::won);
  ASSERT_TRUE(record(a_key()));
  EXPECT_EQ(claim(a_key(), "two"), Claim::done);
  EXPECT_EQ(claim(a_key("0B"), "two"), Claim::won) << "uploaded again";
  EXPECT_EQ(claim(a_key("0A"), "three"), Claim::done) << "the old event's repetition";
  EXPECT_EQ(claim(a_key("0B"), "three"), Claim::held);
}

TEST_F(DynamoDbLedgerTest, AReleasedClaimCanBeWonAtOnce) {
  EXPECT_EQ(claim(a_key()), Claim::won);
  ASSERT_TRUE(release(a_key(), "two")) << "not its own: nothing to do";
  EXPECT_EQ(claim(a_key(), "two"), Claim::held);
  ASSERT_TRUE(release(a_key()));
  EXPECT_EQ(claim(a_key(), "two"), Claim::won);
}

TEST_F(DynamoDbLedgerTest, ARecordAfterItsLeaseLeavesTheOthersLease) {
  EXPECT_EQ(claim(a_key()), Claim::won);
  clock.advance(31s);
  EXPECT_EQ(claim(a_key(), "two"), Claim::won);
  ASSERT_TRUE(record(a_key()));
  EXPECT_EQ(attribute("lease_owner"), R"({"S":"two"})");
  EXPECT_EQ(claim(a_key(), "three"), Claim::done);
}

TEST_F(DynamoDbLedgerTest, TwoObjectsOrRecipientsAreTwoItems) {
  auto other = a_key();
  other.recipient = "bob@example.org";
  EXPECT_EQ(claim(a_key()), Claim::won);
  EXPECT_EQ(claim(other, "two"), Claim::won);
  other.key = "b";
  EXPECT_EQ(claim(other, "three"), Claim::won);
  EXPECT_THAT(table.items, SizeIs(3));
}

TEST_F(DynamoDbLedgerTest, AClaimWhoseAnswerWasLostIsStillOurs) {
  http.answers.push_back(no_answer());
  ASSERT_EQ(claim(a_key()), Claim::won);
  http.otherwise = [this, first = true](const auto& exchange) mutable {
    const Answer real = table.handle(exchange);
    return std::exchange(first, false) ? no_answer() : real;
  };
  EXPECT_EQ(claim(a_key()), Claim::won);
}

TEST_F(DynamoDbLedgerTest, KnowsWhatWasMailedSinceItWasModified) {
  const auto knows = [&](Instant modified) { return run_sync(ledger.knows(a_key(""), modified, in(25s), under)); };
  EXPECT_EQ(knows(start), false);
  EXPECT_EQ(claim(a_key()), Claim::won);
  EXPECT_EQ(knows(start), false) << "claimed, not sent";
  ASSERT_TRUE(record(a_key()));
  EXPECT_EQ(knows(start), true);
  EXPECT_EQ(knows(start + 1ms), false);
  EXPECT_EQ(last().field("X-Amz-Target"), "DynamoDB_20120810.GetItem");
}

TEST_F(DynamoDbLedgerTest, TheSweepsPlaceIsKept) {
  const auto cursor = [&] { return run_sync(ledger.sweep_cursor(in(25s), under)); };
  const auto save = [&](std::string text) {
    return run_sync(ledger.save_sweep_cursor(std::move(text), in(25s), under));
  };
  EXPECT_EQ(cursor(), "");
  ASSERT_TRUE(save("reports/ö \"x\""));
  EXPECT_EQ(cursor(), "reports/ö \"x\"");
  EXPECT_EQ(attribute("object"), R"({"S":"/sweep"})");
  EXPECT_EQ(attribute("expires"), "(none)");
  ASSERT_TRUE(save(""));
  EXPECT_EQ(cursor(), "");
}

TEST_F(DynamoDbLedgerTest, AnItemOfANewerVersionIsLeftAlone) {
  EXPECT_EQ(claim(a_key()), Claim::won);
  auto& item = table.items.begin()->second;
  item["item_version"] = boost::json::object{{"N", "2"}};
  const auto before = item;
  for (const auto& error : {claim(a_key()).error(), run_sync(ledger.knows(a_key(), start, in(25s), under)).error()}) {
    EXPECT_EQ(error.kind, ErrorKind::denied);
    EXPECT_THAT(error.message, AllOf(HasSubstr("version 2"), HasSubstr("version 1")));
  }
  EXPECT_EQ(record(a_key()).error().kind, ErrorKind::denied);
  EXPECT_EQ(item, before);
}

struct ErrorCase {
  std::string name;
  std::function<Answer()> answer;
  std::string code;
  ErrorKind kind;
};
const std::vector<ErrorCase> kErrorCases = {
    {"NoTable", [] { return refusal(400, "ResourceNotFoundException"); }, "ResourceNotFoundException",
     ErrorKind::denied},
    {"Validation", [] { return refusal(400, "ValidationException"); }, "ValidationException", ErrorKind::denied},
    {"NotAllowed", [] { return refusal(400, "AccessDeniedException"); }, "AccessDeniedException", ErrorKind::denied},
    {"Throttled", [] { return refusal(400, "ProvisionedThroughputExceededException"); },
     "ProvisionedThroughputExceededException", ErrorKind::transient},
    {"Lost", no_answer, "unknown", ErrorKind::transient},
};
class DynamoDbErrorTest : public DynamoDbLedgerTest, public testing::WithParamInterface<ErrorCase> {};
TEST_P(DynamoDbErrorTest, IsOneThePortPromises) {
  http.otherwise = [](const auto&) { return GetParam().answer(); };
  std::vector<Error> errors;
  errors.push_back(claim(a_key()).error());
  errors.push_back(record(a_key()).error());
  errors.push_back(release(a_key()).error());
  errors.push_back(run_sync(ledger.knows(a_key(), start, in(25s), under)).error());
  errors.push_back(run_sync(ledger.sweep_cursor(in(25s), under)).error());
  errors.push_back(run_sync(ledger.save_sweep_cursor("a", in(25s), under)).error());
  for (const Error& error : errors) {
    EXPECT_EQ(error.code, GetParam().code);
    EXPECT_EQ(error.kind, GetParam().kind);
  }
  EXPECT_THAT(under.children, SizeIs(6));
}
INSTANTIATE_TEST_SUITE_P(Table, DynamoDbErrorTest, testing::ValuesIn(kErrorCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(DynamoDbLedgerTest, ARefusedClaimWithoutItsItemIsNoClaim) {
  http.answers.push_back(answer(400, R"({"__type":"ns#ConditionalCheckFailedException","message":"m"})"));
  EXPECT_EQ(claim(a_key()).error().kind, ErrorKind::transient);
}

/// Plays the same calls, by chance, to this ledger and to the fake that the services are tested with.
class LedgerAgreementTest : public DynamoDbLedgerTest {
 protected:
  std::uint64_t any(std::uint64_t below) { return random.next_u64() % below; }
  template <class T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[any(choices.size())];
  }
  ClaimKey any_key() {
    return {.bucket = "b",
            .key = one_of<std::string>({"k", "l"}),
            .version = "v",
            .recipient = "ann@example.org",
            .sequencer = one_of<std::string>({"", "", "0A", "0a00", "0B", "0A1", "not hexadecimal"}),
            .seen = start + std::chrono::seconds(any(8)),
            .modified = any(2) == 0 ? Instant{} : start + std::chrono::seconds(any(8))};
  }
  std::string any_owner() { return one_of<std::string>({"one", "two", "three"}); }

  FakeClaimLedger fake;
};

TEST_F(LedgerAgreementTest, WithTheFake) {
  std::map<std::string, int> seen;
  for (int step = 0; step < 3'000; ++step) {
    const ClaimKey key = any_key();
    const std::string owner = any_owner();
    const std::string what = std::to_string(step) + ": " + key.key + " " + key.sequencer + " by " + owner;
    clock.advance(std::chrono::seconds(any(4)));
    const Instant now = clock.now();
    switch (any(5)) {
      case 0:
      case 1: {
        const Instant until = now + std::chrono::seconds(any(6));
        const auto ours = run_sync(ledger.claim(key, owner, now, until, in(25s), under));
        ASSERT_EQ(ours, run_sync(fake.claim(key, owner, now, until, in(25s), under))) << "claim " << what;
        ++seen[*ours == Claim::won ? "won" : *ours == Claim::held ? "held" : "done"];
        break;
      }
      case 2: {
        if (any(3) != 0) break;
        ASSERT_TRUE(run_sync(ledger.record_sent(key, owner, "m", now, now + 48h, in(25s), under))) << what;
        ASSERT_TRUE(run_sync(fake.record_sent(key, owner, "m", now, now + 48h, in(25s), under)));
        break;
      }
      case 3:
        ASSERT_TRUE(run_sync(ledger.release(key, owner, in(25s), under))) << what;
        ASSERT_TRUE(run_sync(fake.release(key, owner, in(25s), under)));
        break;
      default: {
        const Instant modified = start + std::chrono::seconds(any(8));
        const auto ours = run_sync(ledger.knows(key, modified, in(25s), under));
        ASSERT_EQ(ours, run_sync(fake.knows(key, modified, in(25s), under))) << "knows " << what;
        ++seen[*ours ? "known" : "unknown"];
      }
    }
    if (any(200) == 0) {
      table.items.clear();
      fake.entries.clear();
    }
  }
  for (const char* const outcome : {"won", "held", "done", "known", "unknown"}) EXPECT_GT(seen[outcome], 20) << outcome;
}

}  // namespace
}  // namespace s3link::aws
