#include "adapters/xray/udp_trace_sink.hpp"

#include <sys/socket.h>

#include <exception>
#include <string_view>
#include <utility>

#include "adapters/xray/daemon_address.hpp"
#include "core/trace/xray_document.hpp"

namespace s3link::xray {

namespace {

constexpr std::string_view kHeader = "{\"format\":\"json\",\"version\":1}\n";

}  // namespace

Result<std::unique_ptr<UdpTraceSink>> UdpTraceSink::open(const std::string& host, std::uint16_t port,
                                                         ports::Random& random) {
  const auto daemon = resolve_daemon(host, port);
  if (!daemon) return std::unexpected(daemon.error());
  std::unique_ptr<UdpTraceSink> sink(new UdpTraceSink(*daemon, random));
  boost::system::error_code error;
  sink->socket_.open(daemon->protocol(), error);
  if (error) return fail(ErrorKind::transient, "no socket for the X-Ray daemon: " + error.message());
  return sink;
}

void UdpTraceSink::emit(const trace::TraceContext& context, const trace::Segment& segment) {
  if (!context.sampled) return;
  try {
    const auto new_id = [this] {
      trace::SegmentId id;
      random_.fill(id.bytes);
      return id;
    };
    for (auto& document : trace::xray_documents(context, segment, new_id)) send(std::move(document));
  } catch (const std::exception&) {
    ++lost_;  // no memory, no random numbers: the work itself goes on
  }
}

void UdpTraceSink::send(std::string document) {
  document.insert(0, kHeader);
  // Not connected, so that an error which the last datagram came back with does not cost this one.
  const ssize_t sent = ::sendto(socket_.native_handle(), document.data(), document.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                                daemon_.data(), static_cast<socklen_t>(daemon_.size()));
  if (sent < 0) ++lost_;
}

}  // namespace s3link::xray
