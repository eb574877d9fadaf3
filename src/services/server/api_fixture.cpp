#include "services/server/api_fixture.hpp"

#include <algorithm>
#include <utility>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/sigv4/sign.hpp"
#include "support/run_sync.hpp"

namespace s3link::server {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
constexpr std::size_t kChunkBytes = 65536;

std::string payload_hash(const TestRequest& request) {
  switch (request.coding) {
    case Coding::hash:
      return hex_encode(sha256(request.body));
    case Coding::unsigned_payload:
      return "UNSIGNED-PAYLOAD";
    case Coding::signed_chunks:
      return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    case Coding::signed_chunks_trailer:
      return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
    case Coding::unsigned_chunks_trailer:
      return "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  }
  return {};
}

std::string hex_size(std::size_t size) {
  char text[17];
  std::snprintf(text, sizeof(text), "%zx", size);
  return text;
}

/// The aws-chunked coding of the request's body.
std::string coded(const TestRequest& request, sigv4::ChunkSigner signer) {
  if (request.coding == Coding::hash || request.coding == Coding::unsigned_payload) return request.body;
  const bool is_signed = request.coding != Coding::unsigned_chunks_trailer;
  std::string out;
  for (std::size_t at = 0;; at += kChunkBytes) {
    const std::string chunk = at < request.body.size() ? request.body.substr(at, kChunkBytes) : std::string();
    out += hex_size(chunk.size());
    if (is_signed) out += ";chunk-signature=" + signer.sign_chunk(hex_encode(sha256(chunk)));
    out += "\r\n";
    if (chunk.empty()) break;
    out += chunk + "\r\n";
  }
  std::string canonical;
  for (const auto& [name, value] : request.trailers) {
    out += name + ":" + value + "\r\n";
    canonical += to_lower(name) + ":" + value + "\n";
  }
  if (request.coding == Coding::signed_chunks_trailer) {
    out += "x-amz-trailer-signature:" + signer.sign_trailers(hex_encode(sha256(canonical))) + "\r\n";
  }
  return out + "\r\n";
}

}  // namespace

std::string Reply::field(std::string_view name) const {
  const auto* const value = ports::find_field(fields, name);
  return value == nullptr ? std::string() : *value;
}

std::vector<std::string> Reply::elements(std::string_view name) const {
  const std::string open = "<" + std::string(name) + ">";
  const std::string close = "</" + std::string(name) + ">";
  std::vector<std::string> out;
  for (std::size_t at = body.find(open); at != std::string::npos; at = body.find(open, at)) {
    at += open.size();
    out.push_back(body.substr(at, body.find(close, at) - at));
  }
  return out;
}

std::string Reply::element(std::string_view name) const {
  const auto all = elements(name);
  return all.empty() ? std::string() : all.front();
}

std::string Reply::outcome() const {
  const std::string code = status >= 400 ? element("Code") : std::string();
  return std::to_string(status) + (code.empty() ? "" : " " + code);
}

ApiTest::ApiTest(std::string domain, std::string region)
    : credentials{"AKIAIOSFODNN7EXAMPLE", Secret(std::string(kSecret)), {}},
      api(S3ApiSettings{.region = std::move(region),
                        .exchange_bucket = *s3::BucketName::parse(kBucket),
                        .object_ttl = std::chrono::hours(24),
                        .max_object_size = std::uint64_t{2} * 1024 * 1024,
                        .domain = std::move(domain),
                        .trace_sample = 1,
                        .logs_bucket = *s3::BucketName::parse("access-logs"),
                        .contact = "files@example.org"},
          keys, store, deliveries, dead_letters, redrive, clock, random, {&records}) {
  EXPECT_TRUE(test_support::run_sync(store.create_bucket(*s3::BucketName::parse(kBucket), clock.now())));
}

Reply ApiTest::handle_by(S3Api& receiver, const ports::HttpRequestHead& head, test_support::FakeRequestBody body) {
  test_support::FakeResponseWriter writer;
  test_support::run_sync(receiver.handle(head, body, writer));
  EXPECT_EQ(writer.answers, 1);
  if (head.method == "HEAD") EXPECT_EQ(writer.body, "");
  EXPECT_EQ(store.open_bodies, 0) << "a body was left behind";
  EXPECT_EQ(writer.field("x-amz-request-id").size(), 16U);
  EXPECT_NE(writer.field("x-amz-id-2"), "");
  EXPECT_EQ(writer.field("X-Content-Type-Options"), "nosniff");
  return {writer.status, writer.fields, writer.body, writer.length, body.was_read};
}

Reply ApiTest::send_to(S3Api& receiver, TestRequest request) {
  sigv4::OutgoingRequest out{request.method, request.host, request.target, request.fields};
  if (request.coding != Coding::hash && request.coding != Coding::unsigned_payload) {
    out.fields.emplace_back("Content-Encoding", "aws-chunked");
    if (request.decoded_length) {
      out.fields.emplace_back("x-amz-decoded-content-length", std::to_string(request.body.size()));
    }
    std::string names;
    for (const auto& [name, value] : request.trailers) names += (names.empty() ? "" : ",") + name;
    if (!names.empty()) out.fields.emplace_back("x-amz-trailer", names);
  }
  const sigv4::Credentials key{
      credentials.access_key_id, Secret(request.signed_by.empty() ? std::string(kSecret) : request.signed_by), {}};
  auto signer = sigv4::sign_request(out, key, "us-east-1", "s3", payload_hash(request), clock.now());
  std::string body = coded(request, std::move(signer));
  if (request.length_known) {
    out.fields.emplace_back("Content-Length", std::to_string(body.size()));
  } else {
    out.fields.emplace_back("Transfer-Encoding", "chunked");
  }
  ports::HttpRequestHead head{out.method, out.target, out.fields, "192.0.2.7", false};
  if (request.tamper) request.tamper(head, body);
  test_support::FakeRequestBody incoming(std::move(body));
  if (!request.length_known) incoming.declared.reset();
  return handle_by(receiver, head, std::move(incoming));
}

std::string ApiTest::presigned(std::string method, std::string path, ports::HttpFields query) {
  const sigv4::PresignRequest request{std::move(method), "http://s3.test:9000", std::move(path), std::move(query)};
  const Secret url =
      sigv4::presign(request, credentials, "us-east-1", *sigv4::ExpiresIn::from(std::chrono::hours(1)), clock.now());
  return std::string(url.reveal().substr(std::string_view("http://s3.test:9000").size()));
}

Reply ApiTest::send_presigned(std::string method, std::string target, std::string body, ports::HttpFields fields) {
  fields.emplace_back("Host", "s3.test:9000");
  fields.emplace_back("Content-Length", std::to_string(body.size()));
  return handle({std::move(method), std::move(target), std::move(fields), "192.0.2.7", false},
                test_support::FakeRequestBody(std::move(body)));
}

std::string ApiTest::stored(std::string_view key, std::string_view bucket) {
  auto open = test_support::run_sync(store.open_object(*s3::BucketName::parse(bucket), *s3::ObjectKey::parse(key)));
  if (!open) return "(none)";
  std::string out(open->info.size_bytes, '\0');
  EXPECT_TRUE(test_support::run_sync(open->body->read_at(0, std::as_writable_bytes(std::span(out)))));
  return out;
}

}  // namespace s3link::server
