#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/sigv4/credentials.hpp"

namespace s3link::bench {

struct Plan {
  std::string host = "127.0.0.1";
  std::uint16_t port = 9000;
  std::string bucket;
  std::string region;
  std::string operation;          ///< "put", "get", "list", "ready", "fill"
  std::string prefix = "load";    ///< of the keys: prefix/size/number
  std::size_t size_bytes = 4096;  ///< of an object
  std::size_t keys = 1000;        ///< objects worked on, in turn
  bool existing = false;          ///< "get": the objects are there, none is written first
  std::size_t connections = 16;
  std::chrono::seconds duration{5};
  bool signed_payload = false;  ///< SHA-256 of the body in the signature instead of UNSIGNED-PAYLOAD
};

/// One request that was answered 200.
struct Sample {
  std::int64_t begun_us = 0;  ///< since 1970
  std::uint32_t latency_us = 0;
};

struct Report {
  std::vector<Sample> samples;  ///< by latency, ascending
  std::size_t failures = 0;
  std::chrono::duration<double> took{};
};

/// Signs every request before it begins, so that the clock sees the server and not the signing, then sends them over
/// `connections` connections, one request at a time on each, for `duration`. "get" writes its objects first; "fill"
/// puts every one of `keys` objects once, however long that takes, and signs them a piece at a time.
/// Errors: transient (the server cannot be reached, or refuses the first request).
Result<Report> run(const Plan& plan, const sigv4::Credentials& credentials);

}  // namespace s3link::bench
