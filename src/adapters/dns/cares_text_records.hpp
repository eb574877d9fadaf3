#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <string>

#include "ports/text_records.hpp"

namespace s3link::dns {

struct ResolverOptions {
  /// "ADDRESS:PORT" or "[IPv6]:PORT" of the one server to ask; empty: those of /etc/resolv.conf.
  std::string server = {};
  std::chrono::milliseconds first_wait{2'000};  ///< for a server's answer; doubled when it is asked again
  int tries = 2;                                ///< of each server
  std::chrono::milliseconds deadline{10'000};   ///< of one look-up in all
};

/// Asks through c-ares: UDP, and TCP where the answer is too long for it.
class CaresTextRecords final : public ports::TextRecords {
 public:
  /// `executor` must be a single thread or a strand.
  CaresTextRecords(asio::any_io_executor executor, ResolverOptions options);

  /// Whether `text` is what ResolverOptions::server can be.
  static bool is_server(const std::string& text);

  Awaitable<Result<std::vector<std::string>>> find(std::string name) override;

 private:
  asio::any_io_executor executor_;
  ResolverOptions options_;
};

}  // namespace s3link::dns
