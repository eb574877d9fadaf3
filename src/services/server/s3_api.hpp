#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/language.hpp"
#include "core/s3/names.hpp"
#include "ports/bucket_store.hpp"
#include "ports/clock.hpp"
#include "ports/dead_letter_queue.hpp"
#include "ports/delivery_log.hpp"
#include "ports/http_handler.hpp"
#include "ports/random.hpp"
#include "services/server/api_document.hpp"
#include "services/server/readiness.hpp"
#include "services/server/request_observer.hpp"

namespace s3link::sigv4 {
class KeyRing;
}
namespace s3link::pipeline {
class Redrive;
}

namespace s3link::server {

struct S3ApiSettings {
  std::string region = "us-east-1";
  s3::BucketName exchange_bucket;     ///< its objects are mailed and removed after object_ttl; cannot be deleted
  std::chrono::seconds object_ttl{};  ///< life of an object of exchange_bucket
  std::uint64_t max_object_size = 0;  ///< bytes; larger uploads are refused (EntityTooLarge)
  std::string domain;                 ///< for virtual-host style; empty: path style only
  std::string public_host = {};       ///< "files.example.org[:port]", as links are signed; empty: none of its own
  double trace_sample = 1;            ///< share of the traces begun here that are recorded, 0 to 1; 0: none at all
  std::optional<s3::BucketName> logs_bucket = std::nullopt;  ///< receives the access logs; over S3 it is only read
  std::string contact = {};          ///< addr-spec that readers are told to ask when a link does not open; empty: none
  Language language = Language::en;  ///< of what such readers see, unless their browser prefers another one
};

/// Paths of ours that observers are told as operations, without those of the documents.
std::vector<std::string_view> own_paths();

/// The S3 API and our own "/_/": authenticates, routes, answers. docs/s3-compatibility.md lists the operations.
/// Every request needs a valid SigV4 signature, but for /_/healthz and /_/readyz. Memory per request is bounded: one
/// buffer of 256 KiB, whatever the object's size.
/// `observers` are told of every request; `documents` are served beside what the API knows itself; `readiness` is asked
/// by /_/readyz, besides the store. Thread safety: any number of requests at a time. The references must outlive it.
class S3Api final : public ports::HttpHandler {
 public:
  S3Api(S3ApiSettings settings, const sigv4::KeyRing& keys, ports::BucketStore& store, ports::DeliveryLog& deliveries,
        ports::DeadLetterQueue& dead_letters, pipeline::Redrive& redrive, ports::Clock& clock, ports::Random& random,
        std::vector<RequestObserver*> observers = {}, std::vector<ApiDocument*> documents = {},
        std::vector<ReadinessCheck> readiness = {});
  ~S3Api() override;

  Awaitable<void> handle(const ports::HttpRequestHead& request, ports::HttpRequestBody& body,
                         ports::HttpResponseWriter& response) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace s3link::server
