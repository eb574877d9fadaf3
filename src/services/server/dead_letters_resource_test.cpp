#include <boost/json.hpp>

#include "core/event/event_record.hpp"
#include "services/server/api_fixture.hpp"
#include "support/bucket_store_calls.hpp"
#include "support/run_sync.hpp"

namespace s3link::server {
namespace {

using test_support::run_sync;
using testing::HasSubstr;
namespace json = boost::json;

class DeadLettersResourceTest : public ApiTest {
 protected:
  static constexpr const char* kPath = "/_/api/v1/dead-letters";

  /// An object whose event is a dead letter; returns its id.
  std::int64_t put_dead(std::string_view key, std::string kind = "denied") {
    const auto info = run_sync(test_support::put(store, test_support::put_request(key, kBucket), "x"));
    EXPECT_TRUE(info);
    event::EventRecord record;
    record.event_name = "ObjectCreated:Put";
    record.bucket = std::string(kBucket);
    record.key = std::string(key);
    record.sequencer = info->sequencer;
    const auto id = outbox.add(event::build_notification(record), clock.now());
    EXPECT_TRUE(run_sync(outbox.give_up(
        id, clock.now(),
        {.kind = std::move(kind), .message = "you@x.org: 550 no", .recipient = "you@x.org", .reply = "550 no"})));
    return id;
  }
  Reply change(const std::string& action, std::string body) {
    return post(std::string(kPath) + "/" + action, std::move(body));
  }
  static std::vector<std::int64_t> listed(const Reply& reply) {
    std::vector<std::int64_t> ids;
    for (const auto& letter : json::parse(reply.body).at("dead_letters").as_array())
      ids.push_back(letter.at("id").as_int64());
    return ids;
  }
  using Ids = std::vector<std::int64_t>;
};

TEST_F(DeadLettersResourceTest, ListIsComplete) {
  EXPECT_EQ(get(kPath).body, R"({"length":0,"reasons":[],"dead_letters":[],"next":null})");
  put_dead("a \"b\" 漢");
  const Reply reply = get(kPath);
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.field("Content-Type"), "application/json");
  EXPECT_EQ(
      reply.body,
      R"({"length":1,"reasons":[{"reason":"denied","count":1}],"dead_letters":[{"id":1,"bucket":"file-exchange",)"
      R"("key":"a \"b\" 漢","created":"2026-01-02T03:04:05.000Z","attempts":1,)"
      R"("first_failure":"2026-01-02T03:04:05.000Z","last_failure":"2026-01-02T03:04:05.000Z","trace":"",)"
      R"("reason":"denied","message":"you@x.org: 550 no","recipient":"you@x.org","reply":"550 no"}],"next":null})");
  EXPECT_EQ(records.all.back().operation, kPath);
}

TEST_F(DeadLettersResourceTest, ListIsFilteredAndPaged) {
  const auto one = put_dead("one");
  const auto two = put_dead("two", "internal");
  const auto three = put_dead("three");
  const std::string path = kPath;
  EXPECT_EQ(listed(get(path)), (Ids{three, two, one}));
  EXPECT_EQ(listed(get(path + "?reason=denied")), (Ids{three, one}));
  const Reply first = get(path + "?limit=2");
  EXPECT_EQ(listed(first), (Ids{three, two}));
  EXPECT_THAT(first.body, HasSubstr("\"length\":3"));
  const auto next = json::parse(first.body).at("next").as_int64();
  const Reply second = get(path + "?limit=2&after=" + std::to_string(next));
  EXPECT_EQ(listed(second), Ids{one});
  EXPECT_THAT(second.body, HasSubstr("\"next\":null"));
  EXPECT_EQ(get(path + "?limit=0").status, 400U);
  EXPECT_EQ(get(path + "?after=x").status, 400U);
}

TEST_F(DeadLettersResourceTest, OneIsShownWithHistoryAndEvent) {
  const auto id = put_dead("k");
  const Reply reply = get(std::string(kPath) + "/" + std::to_string(id));
  EXPECT_EQ(reply.status, 200U);
  const auto letter = json::parse(reply.body);
  EXPECT_EQ(letter.at("history").at(0).at("reply").as_string(), "550 no");
  EXPECT_EQ(letter.at("history").at(0).at("at").as_string(), "2026-01-02T03:04:05.000Z");
  EXPECT_EQ(letter.at("event").at("Records").at(0).at("s3").at("object").at("key").as_string(), "k");
  EXPECT_EQ(records.all.back().operation, "/_/api/v1/dead-letters/ID");
}

TEST_F(DeadLettersResourceTest, UnknownOnesAreNotFound) {
  for (const auto* id : {"/7", "/0", "/x", "/7/8", "/"}) {
    const Reply reply = get(kPath + std::string(id));
    EXPECT_EQ(reply.status, 404U) << id;
    EXPECT_THAT(reply.body, HasSubstr("NoSuchDeadLetter")) << id;
  }
  for (const auto* action : {"redrive", "drop"}) {
    const Reply reply = change(action, R"({"ids":[7,8]})");
    EXPECT_EQ(reply.status, 404U);
    EXPECT_THAT(reply.body, HasSubstr("NoSuchDeadLetter"));
  }
}

TEST_F(DeadLettersResourceTest, RedriveSaysWhatItDidAndWhatItRefused) {
  const auto good = put_dead("good");
  const auto gone = put_dead("gone");
  EXPECT_TRUE(run_sync(store.delete_objects(*s3::BucketName::parse(kBucket), {*s3::ObjectKey::parse("gone")})));
  const Reply reply = change("redrive", R"({"ids":[1,2,99]})");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.body,
            R"({"redriven":[1],"refused":[{"id":2,"reason":"object_gone","message":"the object was removed"},)"
            R"({"id":99,"reason":"not_found","message":"there is no dead letter with this id"}],"next":null})");
  EXPECT_EQ(outbox.row(good).state, "pending");
  EXPECT_EQ(outbox.row(gone).state, "dead");
  // Those that are there and cannot be redriven are an answer, not an error.
  EXPECT_EQ(change("redrive", R"({"ids":[2]})").status, 200U);
}

TEST_F(DeadLettersResourceTest, AllAndReasonsGoPageByPage) {
  for (int i = 0; i < 501; ++i) put_dead("k" + std::to_string(i));
  const auto other = put_dead("other", "internal");
  const Reply first = change("redrive", R"({"reason":"denied"})");
  EXPECT_EQ(first.status, 200U);
  const auto answer = json::parse(first.body);
  EXPECT_EQ(answer.at("redriven").as_array().size(), 500U);
  EXPECT_EQ(*run_sync(dead_letters.length()), 2U);
  const Reply second =
      change("redrive", R"({"reason":"denied","after":)" + std::to_string(answer.at("next").as_int64()) + "}");
  EXPECT_EQ(second.body, R"({"redriven":[1],"refused":[],"next":null})");
  EXPECT_EQ(outbox.row(other).state, "dead");
  EXPECT_EQ(change("drop", R"({"all":true})").body, R"({"dropped":[502],"refused":[],"next":null})");
  EXPECT_EQ(outbox.row(other).state, "dropped");
  EXPECT_EQ(change("drop", R"({"all":true})").body, R"({"dropped":[],"refused":[],"next":null})");
}

TEST_F(DeadLettersResourceTest, NeedsASignatureAndTheRightMethod) {
  const auto id = put_dead("k");
  for (const auto& [method, path] : {std::pair{"GET", ""}, {"GET", "/1"}, {"POST", "/redrive"}, {"POST", "/drop"}}) {
    const std::string target = std::string(kPath) + path;
    const std::string body = std::string_view(method) == "POST" ? R"({"all":true})" : "";
    const auto with = [&](auto tamper) {
      return send({.method = method, .target = target, .body = body, .tamper = tamper});
    };
    EXPECT_EQ(with([](auto& head, auto&) { head.fields.clear(); }).status, 403U) << target;
    EXPECT_EQ(send({.method = method, .target = target, .body = body, .signed_by = "another secret"}).status, 403U);
    EXPECT_EQ(send({.method = method == std::string("POST") ? "GET" : "POST", .target = target}).status, 405U);
    EXPECT_EQ(send({.method = "DELETE", .target = target}).status, 405U);
  }
  EXPECT_EQ(outbox.row(id).state, "dead");
}

TEST_F(DeadLettersResourceTest, BodyIsCoveredByTheSignature) {
  const auto id = put_dead("k");
  const std::string target = std::string(kPath) + "/drop";
  const Reply changed =
      send({.method = "POST", .target = target, .body = R"({"ids":[7]})", .tamper = [](auto&, std::string& body) {
              body = R"({"ids":[1]})";
            }});
  EXPECT_EQ(changed.status, 400U);
  EXPECT_THAT(changed.body, HasSubstr("XAmzContentSHA256Mismatch"));
  for (const auto coding : {Coding::unsigned_payload, Coding::unsigned_chunks_trailer, Coding::signed_chunks}) {
    const Reply reply = send({.method = "POST", .target = target, .body = R"({"all":true})", .coding = coding});
    EXPECT_EQ(reply.status, 400U);
    EXPECT_FALSE(reply.body_was_read);
  }
  EXPECT_EQ(send_presigned("POST", presigned("POST", target), R"({"all":true})").status, 400U);
  EXPECT_EQ(outbox.row(id).state, "dead");
}

TEST_F(DeadLettersResourceTest, BodyIsBoundedAndMustMakeSense) {
  const auto id = put_dead("k");
  const Reply large = change("drop", R"({"all":true)" + std::string(70'000, ' ') + "}");
  EXPECT_EQ(large.status, 400U);
  EXPECT_THAT(large.body, HasSubstr("MaxMessageLengthExceeded"));
  for (const auto* body : {"", "{}", "[]", R"({"all":false})", R"({"ids":[]})"}) {
    const Reply reply = change("drop", body);
    EXPECT_EQ(reply.status, 400U) << body;
    EXPECT_THAT(reply.body, HasSubstr("InvalidArgument")) << body;
  }
  EXPECT_EQ(outbox.row(id).state, "dead");
}

TEST_F(DeadLettersResourceTest, ErrorsOfTheStoreTellNothingInside) {
  const Error broken{ErrorKind::internal, "SQLITE_CORRUPT", ""};
  const auto ask = [&](auto call) {
    dead_letters.failures = {broken};
    const Reply reply = call();
    EXPECT_EQ(reply.status, 500U);
    EXPECT_THAT(reply.body, testing::Not(HasSubstr("SQLITE")));
  };
  ask([&] { return get(kPath); });
  ask([&] { return get(std::string(kPath) + "/1"); });
  ask([&] { return change("redrive", R"({"ids":[1]})"); });
  ask([&] { return change("drop", R"({"all":true})"); });
}

}  // namespace
}  // namespace s3link::server
