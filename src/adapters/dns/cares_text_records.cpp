#include "adapters/dns/cares_text_records.hpp"

#include <ares.h>
#include <arpa/nameser.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace s3link::dns {
namespace {

using Clock = std::chrono::steady_clock;

struct Destroy {
  void operator()(ares_channel channel) const noexcept { ares_destroy(channel); }
};
using Channel = std::unique_ptr<std::remove_pointer_t<ares_channel>, Destroy>;

void init_library_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) throw std::runtime_error("c-ares cannot be initialised");
  });
}

/// Null, with the status, where that cannot be done.
std::pair<Channel, int> open_channel(const ResolverOptions& options) {
  init_library_once();
  ares_options wanted{};
  wanted.timeout = static_cast<int>(options.first_wait.count());
  wanted.tries = options.tries;
  ares_channel raw = nullptr;
  int status = ares_init_options(&raw, &wanted, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  if (status != ARES_SUCCESS) return {nullptr, status};
  Channel channel(raw);
  if (!options.server.empty()) status = ares_set_servers_ports_csv(raw, options.server.c_str());
  if (status != ARES_SUCCESS) return {nullptr, status};
  return {std::move(channel), ARES_SUCCESS};
}

/// What c-ares calls back with.
struct Answer {
  bool ended = false;
  int status = ARES_SUCCESS;
  std::vector<std::string> texts;

  static void take(void* self, int status, int, unsigned char* message, int size) {
    auto& answer = *static_cast<Answer*>(self);
    answer.ended = true;
    answer.status = status;
    if (status != ARES_SUCCESS) return;
    ares_txt_ext* first = nullptr;
    answer.status = ares_parse_txt_reply_ext(message, size, &first);
    if (answer.status != ARES_SUCCESS) return;
    const std::unique_ptr<ares_txt_ext, decltype(&ares_free_data)> owner(first, &ares_free_data);
    for (const ares_txt_ext* part = first; part != nullptr; part = part->next) {
      if (part->record_start != 0 || answer.texts.empty()) answer.texts.emplace_back();
      answer.texts.back().append(reinterpret_cast<const char*>(part->txt), part->length);
    }
  }
};

Error to_error(const std::string& name, int status) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
      return {ErrorKind::not_found, fmt::format("{} has no TXT record", name), ""};
    case ARES_EBADNAME:
      return {ErrorKind::invalid_argument, fmt::format("{} is not a name", name), ""};
    case ARES_ETIMEOUT:
    case ARES_ECANCELLED:
      return {ErrorKind::transient, fmt::format("{}: no name server answered in time", name), ""};
    case ARES_ECONNREFUSED:
      return {ErrorKind::transient, fmt::format("{}: no name server could be reached, or they refuse", name), ""};
    default:
      return {ErrorKind::transient, fmt::format("{}: {}", name, ares_strerror(status)), ""};
  }
}

/// Wakes a timer when something can be done on a descriptor. Watches a copy, as c-ares closes its own when it likes.
class Watch {
 public:
  Watch(const asio::any_io_executor& executor, int socket) : copy_(executor) {
    const int copy = ::dup(socket);
    if (copy >= 0) copy_.assign(copy);
  }
  void start(asio::posix::descriptor_base::wait_type type, const std::shared_ptr<asio::steady_timer>& timer) {
    if (!copy_.is_open()) return;
    copy_.async_wait(type, [timer](const boost::system::error_code& error) {
      if (!error) timer->cancel();
    });
  }

 private:
  asio::posix::stream_descriptor copy_;
};

/// What c-ares wants to read or write at the moment.
std::vector<pollfd> wanted_of(ares_channel channel) {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  const auto wanted = static_cast<unsigned>(ares_getsock(channel, sockets.data(), ARES_GETSOCK_MAXNUM));
  std::vector<pollfd> out;
  for (unsigned i = 0; i < sockets.size(); ++i) {
    const bool read = ARES_GETSOCK_READABLE(wanted, i) != 0, write = ARES_GETSOCK_WRITABLE(wanted, i) != 0;
    const int events = (read ? POLLIN : 0) | (write ? POLLOUT : 0);
    if (events != 0) out.push_back({.fd = sockets[i], .events = static_cast<short>(events), .revents = 0});
  }
  return out;
}

Clock::time_point next_wake(ares_channel channel, Clock::time_point deadline) {
  timeval buffer{};
  const timeval* const wait = ares_timeout(channel, nullptr, &buffer);
  if (wait == nullptr) return deadline;
  return std::min(deadline, Clock::now() + std::chrono::seconds(wait->tv_sec) +
                                std::chrono::microseconds(wait->tv_usec) + std::chrono::milliseconds(1));
}

/// Waits until a socket is ready or a server has to be asked again, and lets c-ares do that.
Awaitable<void> step(asio::any_io_executor executor, ares_channel channel, Clock::time_point deadline) {
  using Descriptor = asio::posix::descriptor_base;
  std::vector<pollfd> wanted = wanted_of(channel);
  const auto timer = std::make_shared<asio::steady_timer>(executor, next_wake(channel, deadline));
  std::vector<std::unique_ptr<Watch>> watches;
  for (const pollfd& socket : wanted) {
    Watch& watch = *watches.emplace_back(std::make_unique<Watch>(executor, socket.fd));
    if ((socket.events & POLLIN) != 0) watch.start(Descriptor::wait_read, timer);
    if ((socket.events & POLLOUT) != 0) watch.start(Descriptor::wait_write, timer);
  }
  co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
  watches.clear();
  // Which is ready is asked again, without waiting: Asio may wake a new descriptor by the event of one that was closed.
  ::poll(wanted.data(), wanted.size(), 0);
  for (const pollfd& socket : wanted) {
    if (socket.revents == 0) continue;
    ares_process_fd(channel, (socket.revents & ~POLLOUT) != 0 ? socket.fd : ARES_SOCKET_BAD,
                    (socket.revents & POLLOUT) != 0 ? socket.fd : ARES_SOCKET_BAD);
  }
  ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // whose time is over
}

}  // namespace

CaresTextRecords::CaresTextRecords(asio::any_io_executor executor, ResolverOptions options)
    : executor_(std::move(executor)), options_(std::move(options)) {}

bool CaresTextRecords::is_server(const std::string& text) {
  return !text.empty() && !text.contains(',') && open_channel({.server = text}).first != nullptr;
}

Awaitable<Result<std::vector<std::string>>> CaresTextRecords::find(std::string name) {
  Answer answer;  // before the channel, whose end still calls back
  const auto [channel, opened] = open_channel(options_);
  if (!channel) co_return std::unexpected(to_error(name, opened));
  const auto deadline = Clock::now() + options_.deadline;
  ares_query(channel.get(), name.c_str(), ns_c_in, ns_t_txt, &Answer::take, &answer);
  while (!answer.ended) {
    co_await step(executor_, channel.get(), deadline);
    if (!answer.ended && Clock::now() >= deadline) ares_cancel(channel.get());
  }
  if (answer.status != ARES_SUCCESS) co_return std::unexpected(to_error(name, answer.status));
  if (answer.texts.empty()) co_return std::unexpected(to_error(name, ARES_ENODATA));
  co_return std::move(answer.texts);
}

}  // namespace s3link::dns
