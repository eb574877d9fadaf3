#pragma once

#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ports/bucket_listing.hpp"
#include "ports/credentials_source.hpp"
#include "ports/metric_sink.hpp"
#include "ports/template_mail_sender.hpp"
#include "support/fake_trace_sink.hpp"

namespace s3link::test_support {

/// Keeps the mails it took, with failures to order. One executor at a time.
class FakeTemplateMailSender final : public ports::TemplateMailSender {
 public:
  Awaitable<std::expected<ports::TemplateMailReceipt, ports::TemplateMailFailure>> send(
      ports::TemplateMail mail, Instant deadline, trace::Segment& under) override {
    trace::Segment& call = under.children.emplace_back();
    call.name = "SES";
    call.name_space = "aws";
    call.aws = trace::Segment::Aws{.operation = "SendEmail", .region = {}, .request_id = {}, .retries = 0};
    deadlines.push_back(deadline);
    tried.push_back(mail.recipient.text());
    if (before_send) co_await before_send(mail.recipient.text());
    if (!failures.empty()) {
      auto failure = std::move(failures.front());
      failures.pop_front();
      if (failure) {
        call.fault = true;
        if (failure->maybe_sent) maybe_sent.push_back(std::move(mail));
        co_return std::unexpected(std::move(*failure));
      }
    }
    sent.push_back(std::move(mail));
    co_return ports::TemplateMailReceipt{.message_id = "ses-" + std::to_string(sent.size())};
  }

  std::deque<std::optional<ports::TemplateMailFailure>> failures;  ///< handed out first, in order; empty: none
  std::function<Awaitable<void>(std::string)> before_send;         ///< may wait, or throw
  std::vector<ports::TemplateMail> sent;
  std::vector<ports::TemplateMail> maybe_sent;
  std::vector<std::string> tried;  ///< recipients
  std::vector<Instant> deadlines;
};

/// Lists what `objects` holds, by key, in pages.
class FakeBucketListing final : public ports::BucketListing {
 public:
  Awaitable<Result<ports::ListingPage>> list(std::string, std::string start_after, Instant,
                                             trace::Segment& under) override {
    under.children.emplace_back().name = "S3";
    calls.push_back(start_after);
    if (!failures.empty()) {
      Error error = std::move(failures.front());
      failures.pop_front();
      co_return std::unexpected(std::move(error));
    }
    ports::ListingPage page;
    for (const auto& object : objects) {
      if (object.key <= start_after) continue;
      if (page.objects.size() == page_size) {
        page.next = page.objects.back().key;
        break;
      }
      page.objects.push_back(object);
    }
    co_return page;
  }

  std::vector<ports::ListedObject> objects;  ///< by key
  std::size_t page_size = 1000;
  std::deque<Error> failures;
  std::vector<std::string> calls;  ///< every start_after
};

/// The key pair of one session after the other: refused() goes on to the next.
class FakeCredentialsSource final : public ports::CredentialsSource {
 public:
  Awaitable<Result<std::shared_ptr<const sigv4::Credentials>>> get(Instant, trace::Segment&) override {
    ++gets;
    if (!failures.empty()) {
      Error error = std::move(failures.front());
      failures.pop_front();
      co_return std::unexpected(std::move(error));
    }
    if (!current_) {
      current_ = std::make_shared<const sigv4::Credentials>(
          sigv4::Credentials{.access_key_id = "AKIAFAKE" + std::to_string(refusals),
                             .secret_access_key = Secret("secret" + std::to_string(refusals)),
                             .session_token = Secret("token" + std::to_string(refusals))});
    }
    co_return current_;
  }
  void refused() noexcept override {
    ++refusals;
    current_.reset();
  }

  unsigned gets = 0;
  unsigned refusals = 0;
  std::deque<Error> failures;

 private:
  std::shared_ptr<const sigv4::Credentials> current_;
};

class FakeMetricSink final : public ports::MetricSink {
 public:
  void record(const std::vector<ports::Metric>& metrics,
              const std::vector<std::pair<std::string, std::string>>& properties) override {
    for (const auto& metric : metrics) values.emplace_back(metric.name, metric.value);
    for (const auto& property : properties) names.push_back(property);
  }
  std::vector<std::pair<std::string, double>> values;
  std::vector<std::pair<std::string, std::string>> names;
};

}  // namespace s3link::test_support
