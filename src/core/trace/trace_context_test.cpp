#include "core/trace/trace_context.hpp"

#include <gtest/gtest.h>

#include "core/base/encoding.hpp"

namespace s3link::trace {
namespace {

// Source: AWS X-Ray Developer Guide, "Tracing header".
constexpr std::string_view kRoot = "1-5759e988-bd862e3fe1be46a994272793";
constexpr std::string_view kParent = "53995c3f42cd8ad8";

struct XrayCase {
  std::string name, text;
  std::optional<bool> sampled;  // empty: refused
  bool parent = false;
};
const std::vector<XrayCase> kXrayCases = {
    {"root_only", "Root=1-5759e988-bd862e3fe1be46a994272793", false},
    {"sampled", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", true},
    {"not_sampled", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0", false},
    {"decision_asked_for", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?", false},
    {"with_parent", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", true, true},
    {"lambda", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:abc:0", true,
     true},
    {"self_first", "Self=1-67891234-12456789abcdef012345678;Root=1-5759e988-bd862e3fe1be46a994272793", false},
    {"other_order", "Sampled=1;Parent=53995c3f42cd8ad8;Root=1-5759e988-bd862e3fe1be46a994272793", true, true},
    {"blanks", " Root=1-5759e988-bd862e3fe1be46a994272793 ; Parent=53995c3f42cd8ad8 ;", false, true},
    {"upper_case", "root=1-5759E988-BD862E3FE1BE46A994272793", false},
    {"empty", "", {}},
    {"no_root", "Parent=53995c3f42cd8ad8;Sampled=1", {}},
    {"root_twice", "Root=1-5759e988-bd862e3fe1be46a994272793;Root=1-5759e988-bd862e3fe1be46a994272793", {}},
    {"version_2", "Root=2-5759e988-bd862e3fe1be46a994272793", {}},
    {"short_root", "Root=1-5759e988-bd862e3fe1be46a99427279", {}},
    {"no_digits", "Root=1-5759e988-bd862e3fe1be46a99427279x", {}},
    {"hyphen_elsewhere", "Root=1-5759e9886bd862e3fe1be46a99427279-", {}},
    {"short_parent", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f", {}},
    {"empty_parent", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=", {}},
    {"too_long", std::string(5000, ';') + "Root=1-5759e988-bd862e3fe1be46a994272793", {}},
};
class XrayHeaderTest : public testing::TestWithParam<XrayCase> {};
TEST_P(XrayHeaderTest, ReadsOrRefuses) {
  const auto& row = GetParam();
  const auto got = parse_xray_header(row.text, false);
  ASSERT_EQ(got.has_value(), row.sampled.has_value());
  if (!got) {
    EXPECT_EQ(got.error().kind, ErrorKind::invalid_argument);
    return;
  }
  EXPECT_EQ(xray_text(got->trace), kRoot);
  EXPECT_EQ(got->sampled, *row.sampled);
  EXPECT_EQ(got->parent ? hex_text(*got->parent) : "", row.parent ? kParent : "");
  EXPECT_EQ(parse_xray_header(xray_header(*got), !got->sampled), *got);
}
INSTANTIATE_TEST_SUITE_P(Table, XrayHeaderTest, testing::ValuesIn(kXrayCases),
                         [](const auto& row) { return row.param.name; });

TEST(XrayHeader, TheDefaultDecidesWhereTheHeaderDoesNot) {
  EXPECT_TRUE(parse_xray_header("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?", true)->sampled);
  EXPECT_FALSE(parse_xray_header("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0", true)->sampled);
}

TEST(XrayHeader, Printed) {
  auto context = *parse_xray_header("Root=1-5759e988-bd862e3fe1be46a994272793", true);
  EXPECT_EQ(xray_header(context), "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
  context.parent = SegmentId{};
  context.sampled = false;
  EXPECT_EQ(xray_header(context), "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=0000000000000000;Sampled=0");
}

// Source: W3C Trace Context, §3.2 and its examples.
struct TraceparentCase {
  std::string name, text;
  std::optional<bool> sampled;  // empty: refused
};
const std::vector<TraceparentCase> kTraceparentCases = {
    {"sampled", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
    {"not_sampled", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", false},
    {"other_flags", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe", false},
    {"later_version", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
    {"later_version_with_more", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future", true},
    {"later_version_run_on", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what", {}},
    {"version_ff", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", {}},
    {"version_0_with_more", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what", {}},
    {"zero_trace", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", {}},
    {"zero_parent", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", {}},
    {"upper_case", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", {}},
    {"no_digits", "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", {}},
    {"bad_version", "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", {}},
    {"bad_flags", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1x", {}},
    {"underscores", "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01", {}},
    {"short", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", {}},
    {"empty", "", {}},
};
class TraceparentTest : public testing::TestWithParam<TraceparentCase> {};
TEST_P(TraceparentTest, ReadsOrRefuses) {
  const auto& row = GetParam();
  const auto got = parse_traceparent(row.text);
  ASSERT_EQ(got.has_value(), row.sampled.has_value());
  if (!got) {
    EXPECT_EQ(got.error().kind, ErrorKind::invalid_argument);
    return;
  }
  EXPECT_EQ(hex_text(got->trace), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(hex_text(*got->parent), "00f067aa0ba902b7");
  EXPECT_EQ(got->sampled, *row.sampled);
  EXPECT_EQ(parse_traceparent(traceparent(*got, *got->parent)), *got);
}
INSTANTIATE_TEST_SUITE_P(Table, TraceparentTest, testing::ValuesIn(kTraceparentCases),
                         [](const auto& row) { return row.param.name; });

TEST(TraceIdTest, BeginsWithTheTime) {
  std::array<std::byte, 12> random{};
  random.fill(std::byte{0xab});
  const TraceId id = make_trace_id(from_unix_ms(0x5759e988LL * 1000 + 999), random);
  EXPECT_EQ(xray_text(id), "1-5759e988-abababababababababababab");
  EXPECT_EQ(hex_text(id), "5759e988abababababababababababab");
}

struct SampledCase {
  std::string name, last;  // the last 14 digits of the id
  double share;
  bool want;
};
const std::vector<SampledCase> kSampledCases = {
    {"none", "00000000000000", 0, false},
    {"all", "ffffffffffffff", 1, true},
    {"half_below", "7fffffffffffff", 0.5, true},
    {"half_at", "80000000000000", 0.5, false},
    {"tenth_below", "19999999999999", 0.1, true},
    {"tenth_above", "1999999999999b", 0.1, false},
    {"lowest_of_little", "00000000000000", 1e-9, true},
};
class SampledTest : public testing::TestWithParam<SampledCase> {};
TEST_P(SampledTest, TheIdDecides) {
  const auto id = parse_xray_header("Root=1-ffffffff-ffffffffff" + GetParam().last, true);
  ASSERT_TRUE(id);
  EXPECT_EQ(is_sampled(id->trace, GetParam().share), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, SampledTest, testing::ValuesIn(kSampledCases),
                         [](const auto& row) { return row.param.name; });

/// "" means that there is no such header; `want` is the context as a header.
struct RequestCase {
  std::string name, xray, traceparent;
  double share;
  std::string want;
};
const std::vector<RequestCase> kRequestCases = {
    {"none_recorded", "", "", 1, "Root=1-00000001-000000000080000000000000;Sampled=1"},
    {"none_by_chance_not", "", "", 0.5, "Root=1-00000001-000000000080000000000000;Sampled=0"},
    {"xray_before_w3c", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
     "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", 0.1,
     "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"},
    {"bad_xray_falls_to_w3c", "Root=1-5759e988", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", 0.1,
     "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1"},
    {"bad_both", "x", "y", 1, "Root=1-00000001-000000000080000000000000;Sampled=1"},
    {"open_decision_by_the_callers_id", "Root=1-5759e988-000000000000000000000000;Sampled=?", "", 0.1,
     "Root=1-5759e988-000000000000000000000000;Sampled=1"},
    {"open_decision_by_the_callers_id_not", "Root=1-5759e988-0000000000ffffffffffffff", "", 0.9,
     "Root=1-5759e988-0000000000ffffffffffffff;Sampled=0"},
    {"caller_says_no", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0", "", 1,
     "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"},
    {"nothing_is_recorded_at_all", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "", 0,
     "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"},
};
class TraceOfRequestTest : public testing::TestWithParam<RequestCase> {};
TEST_P(TraceOfRequestTest, IsContinuedOrBegun) {
  const auto& row = GetParam();
  const auto fresh = parse_xray_header("Root=1-00000001-000000000080000000000000", true)->trace;
  const auto got = trace_of_request(row.xray.empty() ? nullptr : &row.xray,
                                    row.traceparent.empty() ? nullptr : &row.traceparent, fresh, row.share);
  EXPECT_EQ(xray_header(got), row.want);
}
INSTANTIATE_TEST_SUITE_P(Table, TraceOfRequestTest, testing::ValuesIn(kRequestCases),
                         [](const auto& row) { return row.param.name; });

TEST(XrayIdOf, NamesTheTraceOrNothing) {
  EXPECT_EQ(xray_id_of("Parent=53995c3f42cd8ad8;Root=1-5759e988-bd862e3fe1be46a994272793"),
            "1-5759e988-bd862e3fe1be46a994272793");
  EXPECT_EQ(xray_id_of(""), "");
  EXPECT_EQ(xray_id_of("1-5759e988-bd862e3fe1be46a994272793"), "");
}

}  // namespace
}  // namespace s3link::trace
