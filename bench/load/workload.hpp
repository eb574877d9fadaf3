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
  std::string operation;          ///< "put", "get", "list", "ready"
  std::size_t size_bytes = 4096;  ///< of an object
  std::size_t keys = 1000;        ///< objects worked on, in turn
  std::size_t connections = 16;
  std::chrono::seconds duration{5};
  bool signed_payload = false;  ///< SHA-256 of the body in the signature instead of UNSIGNED-PAYLOAD
};

struct Report {
  std::vector<std::uint32_t> latencies_us;  ///< of the requests answered 200, ascending
  std::size_t failures = 0;
  std::chrono::duration<double> took{};
};

/// Signs every request before it begins, so that the clock sees the server and not the signing, then sends them over
/// `connections` connections, one request at a time on each, for `duration`. "get" writes its objects first.
/// Errors: transient (the server cannot be reached, or refuses the first request).
Result<Report> run(const Plan& plan, const sigv4::Credentials& credentials);

}  // namespace s3link::bench
