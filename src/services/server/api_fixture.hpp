#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "core/sigv4/key_ring.hpp"
#include "core/sigv4/presign.hpp"
#include "services/pipeline/redrive.hpp"
#include "services/server/s3_api.hpp"
#include "support/fake_bucket_store.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_dead_letter_queue.hpp"
#include "support/fake_delivery_log.hpp"
#include "support/fake_http.hpp"
#include "support/fake_logger.hpp"
#include "support/fake_random.hpp"

namespace s3link::server {

/// How the body of a test request is announced and coded.
enum class Coding { hash, unsigned_payload, signed_chunks, signed_chunks_trailer, unsigned_chunks_trailer };

/// One request of a test: signed as it stands, then changed by `tamper`, then handled.
struct TestRequest {
  std::string method = "GET";
  std::string target = "/";
  ports::HttpFields fields = {};
  std::string body = {};
  Coding coding = Coding::hash;
  ports::HttpFields trailers = {};  ///< values as sent; declared in x-amz-trailer
  bool decoded_length = true;       ///< send x-amz-decoded-content-length, where the body is coded
  bool length_known = true;         ///< else Transfer-Encoding: chunked
  std::string host = "s3.test:9000";
  std::string signed_by = {};  ///< another secret than the server's
  std::function<void(ports::HttpRequestHead&, std::string& body)> tamper = {};
};

struct Reply {
  unsigned status = 0;
  ports::HttpFields fields;
  std::string body;
  std::uint64_t length = 0;
  bool body_was_read = false;

  /// The field's value, or "".
  std::string field(std::string_view name) const;
  /// The text of the first element of that name in the body, not unescaped, or "".
  std::string element(std::string_view name) const;
  /// The texts of all elements of that name.
  std::vector<std::string> elements(std::string_view name) const;
  /// "200", or "404 NoSuchKey".
  std::string outcome() const;
};

/// Keeps the record of every request.
struct KeptRecords final : RequestObserver {
  void finished(const ports::HttpRequestHead&, const RequestRecord& record) noexcept override { all.push_back(record); }
  std::vector<RequestRecord> all;
};

/// The S3 API over a fake store, spoken to with really signed requests.
class ApiTest : public testing::Test {
 protected:
  static constexpr std::string_view kBucket = "file-exchange";

  explicit ApiTest(std::string domain = {}, std::string region = "us-east-1");

  Reply send(TestRequest request) { return send_to(api, std::move(request)); }
  /// To another API than the fixture's, with the same key.
  Reply send_to(S3Api& receiver, TestRequest request);
  Reply get(std::string target, ports::HttpFields fields = {}) {
    return send({.method = "GET", .target = std::move(target), .fields = std::move(fields)});
  }
  Reply put(std::string target, std::string body, ports::HttpFields fields = {}) {
    return send({.method = "PUT", .target = std::move(target), .fields = std::move(fields), .body = std::move(body)});
  }
  Reply post(std::string target, std::string body, ports::HttpFields fields = {}) {
    return send({.method = "POST", .target = std::move(target), .fields = std::move(fields), .body = std::move(body)});
  }
  /// Handles a head as it stands.
  Reply handle(const ports::HttpRequestHead& head, test_support::FakeRequestBody body) {
    return handle_by(api, head, std::move(body));
  }
  /// The target of a presigned URL for that path (decoded) and query, valid for an hour.
  std::string presigned(std::string method, std::string path, ports::HttpFields query = {});
  /// Sends a presigned request, which needs no more than the target and the host.
  Reply send_presigned(std::string method, std::string target, std::string body = {}, ports::HttpFields fields = {});

  /// The bytes of an object, straight from the store, or "(none)".
  std::string stored(std::string_view key, std::string_view bucket = kBucket);

  Reply handle_by(S3Api& receiver, const ports::HttpRequestHead& head, test_support::FakeRequestBody body);

  sigv4::Credentials credentials;
  sigv4::KeyRing keys{credentials.clone()};
  test_support::FakeClock clock;
  test_support::FakeRandom random;
  test_support::FakeBucketStore store{clock};
  test_support::FakeDeliveryLog deliveries;
  test_support::FakeOutbox outbox;
  test_support::FakeDeadLetterQueue dead_letters{outbox};
  test_support::FakeLogger logger;
  pipeline::Redrive redrive{dead_letters, store, clock, logger};
  KeptRecords records;
  S3Api api;
};

}  // namespace s3link::server
