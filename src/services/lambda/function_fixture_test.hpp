#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/event_record.hpp"
#include "services/lambda/link_function.hpp"
#include "support/fake_claim_ledger.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_function_ports.hpp"
#include "support/fake_logger.hpp"
#include "support/run_sync.hpp"

namespace s3link::lambda {

/// The notification of these records.
inline std::string event_of(const std::vector<event::EventRecord>& records) {
  std::string out = R"({"Records":[)";
  for (const auto& record : records) {
    const std::string one = event::build_notification(record);
    if (out.back() != '[') out += ',';
    out += one.substr(out.find('[') + 1, one.rfind(']') - out.find('[') - 1);
  }
  return out + "]}";
}

/// What Amazon EventBridge sends for a rule with a schedule.
inline constexpr const char* kScheduleEvent =
    R"({"version":"0","id":"53dc4d37","detail-type":"Scheduled Event","source":"aws.events","detail":{}})";

/// The function with fakes behind all its ports, at 2026-01-02T03:04:05Z.
class FunctionFixture : public testing::Test {
 public:
  static constexpr const char* kTraceId = "1-5759e988-bd862e3fe1be46a994272793";

  FunctionFixture() {
    settings.sender = "Files <files@example.org>";
    settings.template_name = "link";
    settings.configuration_set = "mails";
    settings.link_expiration = std::chrono::seconds(18'000);
    settings.region = "eu-central-1";
    settings.bucket = "file-exchange";
    recipients({"you@example.net"});
  }

  void recipients(const std::vector<std::string>& list) {
    settings.recipients.clear();
    for (const auto& text : list) settings.recipients.push_back(*mail::Address::parse(text));
  }

  FunctionPorts ports() {
    return {.clock = clock,
            .link_credentials = credentials,
            .mail = mail,
            .ledger = with_ledger ? &ledger : nullptr,
            .listing = listing,
            .traces = traces,
            .metrics = metrics,
            .logger = logger};
  }

  /// An upload of a minute ago.
  event::EventRecord record(std::string key, std::string sequencer = "0A") {
    return {.event_name = "ObjectCreated:Put",
            .time = clock.now() - std::chrono::minutes(1),
            .region = "eu-central-1",
            .principal = "AWS:AIDA",
            .source_ip = "192.0.2.1",
            .request_id = "C3D13FE58DE4C810",
            .bucket = "file-exchange",
            .key = std::move(key),
            .size_bytes = 1234,
            .etag = "d41d8cd98f00b204e9800998ecf8427e",
            .version_id = {},
            .sequencer = std::move(sequencer)};
  }

  /// One invocation; the function and what it keeps live on between them.
  std::expected<std::string, ports::InvocationError> invoke(std::string payload, std::string request_id = "req-1") {
    if (!function) function = std::make_unique<LinkFunction>(settings, ports());
    return test_support::run_sync(
        function->handle({.request_id = std::move(request_id),
                          .deadline = clock.now() + time_left,
                          .trace_header = trace_header,
                          .function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:link",
                          .payload = std::move(payload)}));
  }

  static std::string type_of(const std::expected<std::string, ports::InvocationError>& answer) {
    return answer ? "" : answer.error().type;
  }

  static boost::json::object data_of(const ports::TemplateMail& one) {
    return boost::json::parse(one.template_data.reveal()).as_object();
  }
  static std::string text_of(const ports::TemplateMail& one, std::string_view name) {
    return std::string(data_of(one).at(name).as_string());
  }

  /// To whom which key was sent, in order: "you@example.net a.txt".
  std::vector<std::string> sent() const {
    std::vector<std::string> out;
    for (const auto& one : mail.sent) out.push_back(one.recipient.text() + " " + text_of(one, "KEY_TEXT"));
    return out;
  }

  static ports::TemplateMailFailure mail_failure(ErrorKind kind, std::string code, bool maybe_sent = false) {
    return {.error = {.kind = kind, .message = "SES said no", .code = std::move(code)},
            .maybe_sent = maybe_sent,
            .advice = "verify the identity"};
  }

  test_support::FakeClock clock;
  test_support::FakeCredentialsSource credentials;
  test_support::FakeTemplateMailSender mail;
  test_support::FakeClaimLedger ledger;
  test_support::FakeBucketListing listing;
  test_support::FakeTraceSink traces;
  test_support::FakeMetricSink metrics;
  test_support::FakeLogger logger;
  FunctionSettings settings;
  bool with_ledger = true;
  std::chrono::milliseconds time_left{30'000};
  std::string trace_header = "Root=" + std::string(kTraceId) + ";Parent=53995c3f42cd8ad8;Sampled=1";
  std::unique_ptr<LinkFunction> function;
};

}  // namespace s3link::lambda
