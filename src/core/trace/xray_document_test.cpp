#include "core/trace/xray_document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>

namespace s3link::trace {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::SizeIs;

const TraceContext kRoot = *parse_xray_header("Root=1-581cf771-a006649127e371903a2de979;Sampled=1", true);
const TraceContext kChild =
    *parse_xray_header("Root=1-581cf771-a006649127e371903a2de979;Parent=defdfd9912dc5a56;Sampled=1", true);

/// 0000000000000001, …2, …
NewSegmentId counted() {
  return [next = 0]() mutable {
    SegmentId id;
    ++next;
    id.bytes[6] = std::byte(next >> 8);
    id.bytes[7] = std::byte(next & 255);
    return id;
  };
}

Segment segment(std::string name) {
  Segment out;
  out.name = std::move(name);
  out.start = from_unix_ms(1478293361271);
  out.end = from_unix_ms(1478293361449);
  return out;
}

std::string only(const TraceContext& context, const Segment& what) {
  const auto documents = xray_documents(context, what, counted());
  EXPECT_THAT(documents, SizeIs(1));
  return documents.front();
}

/// Of a subsegment sent on its own, as JSON.
json::object members_of(const Segment& what) { return json::parse(only(kChild, what)).as_object(); }

// Source: AWS X-Ray Developer Guide, "X-Ray segment documents", Minimal complete segment.
TEST(XrayDocument, RootHasNoParentAndNoType) {
  EXPECT_EQ(only(kRoot, segment("example.com")),
            R"({"id":"0000000000000001","name":"example.com","start_time":1478293361.271,"end_time":1478293361.449,)"
            R"("trace_id":"1-581cf771-a006649127e371903a2de979"})");
}

// The same, "parent_id": "a subsegment ID you specify if the request originated from an instrumented application".
TEST(XrayDocument, AServicesSegmentUnderAParentIsNoSubsegment) {
  for (const Role role : {Role::server, Role::consumer}) {
    auto service = segment("s3link");
    service.role = role;
    service.id = SegmentId{};
    service.children.push_back(segment("relay"));
    EXPECT_EQ(only(kChild, service),
              R"({"id":"0000000000000000","name":"s3link","start_time":1478293361.271,"end_time":1478293361.449,)"
              R"("trace_id":"1-581cf771-a006649127e371903a2de979","parent_id":"defdfd9912dc5a56",)"
              R"("subsegments":[{"id":"0000000000000001","name":"relay","start_time":1478293361.271,)"
              R"("end_time":1478293361.449}]})");
  }
}

// The same, Independent subsegment.
TEST(XrayDocument, PartOfAnothersSegmentIsAnIndependentSubsegment) {
  EXPECT_EQ(only(kChild, segment("api.example.com")),
            R"({"id":"0000000000000001","name":"api.example.com","start_time":1478293361.271,)"
            R"("end_time":1478293361.449,"trace_id":"1-581cf771-a006649127e371903a2de979",)"
            R"("parent_id":"defdfd9912dc5a56","type":"subsegment"})");
}

TEST(XrayDocument, CallToAwsWithEverything) {
  Segment root = segment("deliver");
  Segment& call = root.children.emplace_back(segment("SES"));
  call.name_space = "aws";
  call.aws = {.operation = "SendEmail", .region = "eu-central-1", .request_id = "r-1", .retries = 2};
  call.http_status = 429;
  call.error = call.throttle = true;
  call.cause = {.type = "TooManyRequestsException", .message = "slow \"down\""};
  call.annotations = {{"attempt", "3"}};
  call.metadata = {{"note", "x"}};
  EXPECT_EQ(json::parse(only(kRoot, root)).at("subsegments"),
            json::parse(R"([{"id":"0000000000000002","name":"SES","start_time":1478293361.271,
              "end_time":1478293361.449,"namespace":"aws",
              "aws":{"operation":"SendEmail","region":"eu-central-1","request_id":"r-1","retries":2},
              "http":{"response":{"status":429}},"error":true,"throttle":true,
              "cause":{"exceptions":[{"id":"0000000000000003","message":"slow \"down\"",
                                      "type":"TooManyRequestsException"}]},
              "annotations":{"attempt":"3"},"metadata":{"default":{"note":"x"}}}])"));
}

TEST(XrayDocument, RootIsNoCall) {
  Segment root = segment("s3link");
  root.name_space = "aws";
  root.aws = {.operation = "PutObject", .region = {}, .request_id = {}};
  root.fault = true;
  const json::object document = json::parse(only(kRoot, root)).as_object();
  EXPECT_FALSE(document.contains("namespace"));
  EXPECT_FALSE(document.contains("aws"));
  EXPECT_TRUE(document.at("fault").as_bool());
}

TEST(XrayDocument, ChildrenAreNestedInOrder) {
  Segment root = segment("a");
  root.children = {segment("b"), segment("d")};
  root.children[0].children = {segment("c")};
  const json::value document = json::parse(only(kRoot, root));
  EXPECT_EQ(document.at("subsegments").at(0).at("name"), "b");
  EXPECT_EQ(document.at("subsegments").at(0).at("subsegments").at(0).at("name"), "c");
  EXPECT_EQ(document.at("subsegments").at(1).at("name"), "d");
  EXPECT_FALSE(document.at("subsegments").at(1).as_object().contains("subsegments"));
  EXPECT_FALSE(document.at("subsegments").at(0).as_object().contains("trace_id"));
}

struct NameCase {
  std::string name, text, want;
};
const std::vector<NameCase> kNameCases = {
    {"symbols", "a_.:/%&#=+\\-@ 9", "a_.:/%&#=+\\-@ 9"},
    {"others", "a*b(c)\"d\n", "a_b_c__d_"},
    {"letters_of_any_script", "gr\xC3\xBC\xC3\x9F \xE6\xBC\xA2", "gr\xC3\xBC\xC3\x9F \xE6\xBC\xA2"},
    {"broken_utf8", "a\xFF\xC2", "a__"},
    {"control", "a\xC2\x85", "a_"},
    {"empty", "", "unnamed"},
    {"too_long", std::string(201, 'n'), std::string(200, 'n')},
};
class XrayNameTest : public testing::TestWithParam<NameCase> {};
TEST_P(XrayNameTest, HasOnlyWhatIsAllowed) {
  EXPECT_EQ(members_of(segment(GetParam().text)).at("name").as_string(), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, XrayNameTest, testing::ValuesIn(kNameCases),
                         [](const auto& row) { return row.param.name; });

TEST(XrayDocument, AnnotationsAreMadeIndexable) {
  Segment what = segment("a");
  what.annotations = {
      {"a-b.c", "1"}, {"", "nameless"}, {"twice", "1"}, {"twice", "2"}, {"long", std::string(2000, 'v')}};
  EXPECT_EQ(members_of(what).at("annotations"),
            json::value({{"a_b_c", "1"}, {"twice", "2"}, {"long", std::string(1000, 'v')}}));
  what.annotations.clear();
  for (int i = 0; i < 60; ++i) what.annotations.emplace_back("n" + std::to_string(i), "v");
  EXPECT_THAT(members_of(what).at("annotations").as_object(), SizeIs(50));
}

TEST(XrayDocument, TextsAreCut) {
  Segment what = segment("a");
  what.cause = {.type = "T", .message = std::string(1000, 'm')};
  EXPECT_EQ(members_of(what).at("cause").at("exceptions").at(0).at("message").as_string().size(), 250);
}

TEST(XrayDocument, ClockThatWentBackGivesNoNegativeDuration) {
  Segment what = segment("a");
  what.end = what.start - std::chrono::seconds(5);
  const json::object document = members_of(what);
  EXPECT_EQ(document.at("end_time"), document.at("start_time"));
}

TEST(XrayDocument, MetadataTooLargeForADocumentIsLeftOut) {
  Segment what = segment("a");
  what.annotations = {{"kept", "1"}};
  what.metadata = {{"dump", std::string(kMaxXrayDocumentBytes, 'x')}};
  json::object document = members_of(what);
  EXPECT_FALSE(document.contains("metadata"));
  EXPECT_TRUE(document.contains("annotations"));

  for (int i = 0; i < 50; ++i) what.annotations.emplace_back("n" + std::to_string(i), std::string(1000, '\x01'));
  what.cause = {.type = std::string(300, '\x01'), .message = std::string(300, '\x01')};
  what.aws = {.operation = std::string(300, '\x01'),
              .region = std::string(300, '\x01'),
              .request_id = std::string(300, '\x01'),
              .retries = 4'000'000'000};
  what.name = std::string(300, '\\');
  what.name_space = std::string(300, '\x01');
  const auto documents = xray_documents(kChild, what, counted(), kMinXrayDocumentLimit);
  ASSERT_THAT(documents, SizeIs(1));
  EXPECT_LE(documents[0].size(), kMinXrayDocumentLimit);
  EXPECT_FALSE(json::parse(documents[0]).as_object().contains("annotations"));
}

/// Each segment of the documents by id with its parent's; fails on a document out of order.
void collect(const json::object& node, std::string parent, std::map<std::string, std::string>& parents,
             std::map<std::string, std::string>& names) {
  const std::string id(node.at("id").as_string());
  EXPECT_TRUE(parents.emplace(id, parent).second) << "id used twice: " << id;
  names[id] = std::string(node.at("name").as_string());
  if (!node.contains("subsegments")) return;
  for (const json::value& child : node.at("subsegments").as_array()) collect(child.as_object(), id, parents, names);
}

TEST(XrayDocument, WhatDoesNotFitIsSplitWithoutLoss) {
  Segment root = segment("root");
  std::map<std::string, std::string> want_parent = {{"root", ""}};
  for (int i = 0; i < 100; ++i) {
    Segment record = segment("record" + std::to_string(i));
    want_parent[record.name] = "root";
    for (int j = 0; j < 5; ++j) {
      Segment call = segment(record.name + "-" + std::to_string(j));
      call.metadata = {{"pad", std::string(static_cast<std::size_t>(37 * i), 'x')}};
      want_parent[call.name] = record.name;
      record.children.push_back(std::move(call));
    }
    root.children.push_back(std::move(record));
  }
  for (const std::size_t limit : {kMinXrayDocumentLimit, kMaxXrayDocumentBytes}) {
    const auto documents = xray_documents(kRoot, root, counted(), limit);
    EXPECT_GT(documents.size(), 1U);
    std::map<std::string, std::string> parents;
    std::map<std::string, std::string> names;
    for (const std::string& text : documents) {
      EXPECT_LE(text.size(), limit);
      const json::object document = json::parse(text).as_object();
      EXPECT_EQ(document.at("trace_id"), "1-581cf771-a006649127e371903a2de979");
      if (parents.empty()) {
        EXPECT_FALSE(document.contains("parent_id"));
        collect(document, "", parents, names);
        continue;
      }
      EXPECT_EQ(document.at("type"), "subsegment");
      const std::string parent(document.at("parent_id").as_string());
      EXPECT_TRUE(parents.contains(parent)) << "a child before its parent";
      collect(document, parent, parents, names);
    }
    EXPECT_EQ(names.size(), want_parent.size());
    for (const auto& [id, name] : names) EXPECT_EQ(names[parents[id]], want_parent[name]) << name;
  }
}

}  // namespace
}  // namespace s3link::trace
