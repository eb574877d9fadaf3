#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/result.hpp"
#include "ports/random.hpp"
#include "ports/trace_sink.hpp"

namespace s3link::xray {

/// Sends segment documents to the X-Ray daemon, one datagram each: a line that names the format, then the document.
/// A datagram that the system does not take at once is counted and lost; whether the daemon received one is not known.
/// Source: AWS X-Ray Developer Guide, "Sending segment documents to the X-Ray daemon". Drawn in
/// docs/formats/xray-segment.md.
class UdpTraceSink final : public ports::TraceSink {
 public:
  /// `host` is an address, or a name that is resolved once, here, which blocks. `random` must outlive the sink.
  /// Errors: transient (the name cannot be resolved, or there is no socket to be had).
  static Result<std::unique_ptr<UdpTraceSink>> open(const std::string& host, std::uint16_t port, ports::Random& random);

  void emit(const trace::TraceContext& context, const trace::Segment& segment) override;

  /// How many documents have been lost.
  std::uint64_t lost() const noexcept { return lost_; }

 private:
  UdpTraceSink(boost::asio::ip::udp::endpoint daemon, ports::Random& random) : daemon_(daemon), random_(random) {}
  void send(std::string document);

  boost::asio::io_context context_{1};  // never run: nothing here waits
  boost::asio::ip::udp::socket socket_{context_};
  const boost::asio::ip::udp::endpoint daemon_;
  ports::Random& random_;
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace s3link::xray
