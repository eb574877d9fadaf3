#include "adapters/http_client/beast_client.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/http_client/answer.hpp"
#include "adapters/http_client/trust.hpp"
#include "adapters/http_client/watch.hpp"
#include "adapters/http_client/wire.hpp"
#include "core/base/encoding.hpp"

namespace s3link::http_client {

namespace {

using ports::HttpBodySource;
using ports::HttpClientRequest;
using ports::HttpClientResponse;
using std::chrono::steady_clock;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
// RFC 9110 §10.1.1: do not wait for the interim answer for ever, the peer may not know it.
constexpr std::chrono::seconds kContinueWait{1};
// A body that the socket's buffers take at once, so that nobody has to read the answer while it is sent.
constexpr std::uint64_t kMaxBesideHead = 16 * 1024;

std::string peer_of(const HttpClientRequest& request) {
  return request.scheme + "://" + to_lower(request.host) + ':' + std::to_string(request.port);
}

bool is_idempotent(std::string_view method) { return method != "POST" && method != "PATCH"; }

// Nothing in it can end a line, or the request line's words.
bool is_word(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; });
}
bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

Result<std::string> write_head(const HttpClientRequest& request) {
  bool valid = is_word(request.method) && is_word(request.target);
  for (const auto& [name, value] : request.fields) valid = valid && is_word(name) && is_one_line(value);
  if (!valid) return fail(ErrorKind::invalid_argument, "the request holds a line break or a blank", "connection");

  std::string head = request.method + ' ' + request.target + " HTTP/1.1\r\n";
  for (const auto& [name, value] : request.fields) {
    head += name;
    head += ": ";
    head += value;
    head += "\r\n";
  }
  const bool wants_length = request.method == "PUT" || request.method == "POST" || request.method == "PATCH";
  if (request.body_length > 0 || wants_length)
    head += "Content-Length: " + std::to_string(request.body_length) + "\r\n";
  head += "\r\n";
  return head;
}

bool waits_for_continue(const HttpClientRequest& request) {
  const std::string* const expect = ports::find_field(request.fields, "Expect");
  return expect != nullptr && equals_ignoring_case(*expect, "100-continue");
}

// A body on its way out, beside the answer on its way in. Lives in the frame of the exchange, which waits for `ended`.
struct Sending {
  explicit Sending(const asio::any_io_executor& executor) : go_on(executor), ended(executor) {
    ended.expires_at(steady_clock::time_point::max());
  }

  asio::steady_timer go_on;  // cancelled by "100 Continue", or to stop
  asio::steady_timer ended;  // cancelled at the end
  bool stop = false;
  bool source_touched = false;
  bool done = false;      // the coroutine has ended
  bool complete = false;  // everything was sent
  std::optional<Error> source_error;
};

std::unexpected<Error> source_failed() { return fail(ErrorKind::internal, "the body's source failed", "unknown"); }

std::unexpected<Error> wrong_length() {
  return fail(ErrorKind::invalid_argument, "the body is not as long as announced", "unknown");
}

Awaitable<Result<std::span<const std::byte>>> first_piece(HttpBodySource& source, std::uint64_t length) {
  try {
    auto piece = co_await source.next();
    if (piece && (piece->empty() || piece->size() > length)) co_return wrong_length();
    co_return piece;
  } catch (const std::exception&) {
    co_return source_failed();
  }
}

Awaitable<void> send_body(Wire& wire, HttpBodySource& source, std::uint64_t length, bool wait, Sending& sending) {
  if (wait) {
    sending.go_on.expires_after(kContinueWait);
    co_await sending.go_on.async_wait(kToken);
  }
  while (length > 0 && !sending.stop) {
    sending.source_touched = true;
    const auto piece = co_await source.next();
    if (!piece || piece->empty() || piece->size() > length) {
      sending.source_error = piece ? wrong_length().error() : piece.error();
      wire.close();
      co_return;
    }
    if (sending.stop) co_return;
    const auto [error, count] = co_await wire.write(*piece);
    if (error) co_return;  // the answer, if there is one, tells why
    length -= piece->size();
  }
  sending.complete = length == 0;
}

struct Attempt {
  Result<HttpClientResponse> response;
  bool reusable = false;
  bool anything_sent = false;
  bool safe_to_repeat = false;
  bool source_failed = false;  // the error is the source's own
};

}  // namespace

struct BeastClient::State {
  State(asio::any_io_executor on, ClientOptions chosen) : executor(std::move(on)), options(std::move(chosen)) {}

  struct Idle {
    std::unique_ptr<Wire> wire;
    steady_clock::time_point since;
  };

  Result<asio::ssl::context*> tls_context();
  std::unique_ptr<Wire> take_idle(const std::string& peer);
  void keep(const std::string& peer, std::unique_ptr<Wire> wire);
  void forget_old();

  Awaitable<Result<HttpClientResponse>> exchange(HttpClientRequest request, HttpBodySource* source,
                                                 std::chrono::milliseconds deadline);
  Awaitable<Attempt> attempt(Wire& wire, const HttpClientRequest& request, const std::string& head,
                             std::span<const std::byte> first, HttpBodySource* source);
  Awaitable<Status> read_answer(Wire& wire, Answer& answer, Sending& sending);

  const asio::any_io_executor executor;
  const ClientOptions options;
  std::unique_ptr<asio::ssl::context> tls;        // made with the first https request
  std::map<std::string, std::vector<Idle>> idle;  // by peer, the latest last; after `tls`, which they use
};

Result<asio::ssl::context*> BeastClient::State::tls_context() {
  if (!tls) {
    auto made = make_client_context(options.trust);
    if (!made) return std::unexpected(made.error());
    tls = std::move(*made);
  }
  return tls.get();
}

std::unique_ptr<Wire> BeastClient::State::take_idle(const std::string& peer) {
  forget_old();
  const auto found = idle.find(peer);
  if (found == idle.end()) return nullptr;
  std::unique_ptr<Wire> wire;
  while (!wire && !found->second.empty()) {
    wire = std::move(found->second.back().wire);
    found->second.pop_back();
    if (!wire->fresh()) wire.reset();
  }
  if (found->second.empty()) idle.erase(found);
  return wire;
}

void BeastClient::State::keep(const std::string& peer, std::unique_ptr<Wire> wire) {
  forget_old();
  auto& wires = idle[peer];
  wires.push_back({std::move(wire), steady_clock::now()});
  if (wires.size() > options.max_idle_per_peer) wires.erase(wires.begin());
}

void BeastClient::State::forget_old() {
  const auto oldest = steady_clock::now() - options.idle_timeout;
  for (auto& [peer, wires] : idle) {
    std::erase_if(wires, [oldest](const Idle& each) { return each.since < oldest; });
  }
  std::erase_if(idle, [](const auto& entry) { return entry.second.empty(); });
}

// Reads on until the answer is complete; with the final status in hand a body still being sent is stopped.
Awaitable<Status> BeastClient::State::read_answer(Wire& wire, Answer& answer, Sending& sending) {
  while (!answer.done()) {
    const auto [error, count] = co_await wire.read_some(answer.space());
    if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) {
      co_return answer.end();
    }
    if (error) co_return fail(ErrorKind::transient, error.message(), "unknown");
    if (const auto taken = answer.take(count); !taken) co_return taken;
    if (answer.continues()) sending.go_on.cancel();
    if (answer.head_done() && !sending.done) {
      sending.stop = true;
      sending.go_on.cancel();
      wire.cancel();
      while (!sending.done) co_await sending.ended.async_wait(kToken);
    }
  }
  co_return Status{};
}

Awaitable<Attempt> BeastClient::State::attempt(Wire& wire, const HttpClientRequest& request, const std::string& head,
                                               std::span<const std::byte> first, HttpBodySource* source) {
  Answer answer(request.method == "HEAD");
  Sending sending(executor);
  const std::uint64_t left = request.body_length - first.size();
  sending.done = sending.complete = left == 0;
  Status status;
  const auto [error, count] = co_await wire.write(as_bytes(head), first);
  if (error) {
    status = fail(ErrorKind::transient, error.message(), "unknown");
  } else {
    if (!sending.done) {
      asio::co_spawn(executor, send_body(wire, *source, left, waits_for_continue(request), sending),
                     [&sending](const std::exception_ptr& thrown) {
                       if (thrown) {
                         sending.source_error = source_failed().error();
                       }
                       sending.done = true;
                       sending.ended.cancel();
                     });
    }
    status = co_await read_answer(wire, answer, sending);
    if (!sending.done) {
      sending.stop = true;
      sending.go_on.cancel();
      wire.close();
      while (!sending.done) co_await sending.ended.async_wait(kToken);
    }
  }
  Attempt attempt{.response = std::unexpected(Error{}), .anything_sent = count > 0};
  if (sending.source_error && !answer.done()) {
    attempt.response = std::unexpected(*sending.source_error);
    attempt.source_failed = true;
  } else if (!status) {
    attempt.response = std::unexpected(status.error());
    attempt.safe_to_repeat =
        !answer.anything_came() && !sending.source_touched && (count == 0 || left > 0 || is_idempotent(request.method));
  } else {
    attempt.reusable = answer.reusable() && sending.complete;
    attempt.response = answer.release();
  }
  co_return attempt;
}

Awaitable<Result<HttpClientResponse>> BeastClient::State::exchange(HttpClientRequest request, HttpBodySource* source,
                                                                   std::chrono::milliseconds deadline) {
  if (ports::find_field(request.fields, "Host") == nullptr) request.fields.emplace_back("Host", request.host);
  const auto head = write_head(request);
  if (!head) co_return std::unexpected(head.error());
  asio::ssl::context* context = nullptr;
  if (request.scheme == "https") {
    const auto made = tls_context();
    if (!made) co_return std::unexpected(made.error());
    context = *made;
  }

  const std::string peer = peer_of(request);
  const auto out_of_time = [&peer](const char* code) {
    return fail(ErrorKind::transient, peer + ": no answer in time", code);
  };
  Watch watch(executor, deadline);
  // Kept for a second attempt: the source cannot give it again.
  std::span<const std::byte> first;
  if (request.body_length > 0 && request.body_length <= kMaxBesideHead && !waits_for_continue(request)) {
    const auto piece = co_await first_piece(*source, request.body_length);
    if (!piece) co_return std::unexpected(piece.error());
    first = *piece;
  }
  auto wire = take_idle(peer);
  while (true) {
    const bool reused = wire != nullptr;
    if (!reused) wire = std::make_unique<Wire>(executor);
    watch.guard(wire.get());
    if (!reused) {
      if (const auto connected = co_await wire->connect(request.host, request.port, context); !connected) {
        watch.guard(nullptr);
        if (watch.fired()) co_return out_of_time("connection");
        co_return std::unexpected(connected.error());
      }
    }
    auto [response, reusable, anything_sent, safe_to_repeat, source_failed] =
        co_await attempt(*wire, request, *head, first, source);
    watch.guard(nullptr);
    if (response) {
      if (reusable && !watch.fired()) keep(peer, std::move(wire));
      co_return std::move(*response);
    }
    if (source_failed) co_return std::unexpected(std::move(response.error()));
    if (watch.fired()) co_return out_of_time(anything_sent ? "unknown" : "connection");
    if (reused && safe_to_repeat) {
      idle.erase(peer);  // the others have probably ended as well
      wire.reset();
      continue;
    }
    Error error = std::move(response.error());
    error.message = peer + ": " + error.message;
    if (!anything_sent) error.code = "connection";
    co_return std::unexpected(std::move(error));
  }
}

BeastClient::BeastClient(asio::any_io_executor executor, ClientOptions options)
    : state_(std::make_shared<State>(std::move(executor), std::move(options))) {}

BeastClient::~BeastClient() = default;

Awaitable<Result<HttpClientResponse>> BeastClient::exchange(HttpClientRequest request, HttpBodySource* source,
                                                            std::chrono::milliseconds deadline) {
  // The connections' state outlives this object while an exchange runs. Cancellation ends the operation under way as an
  // error of the exchange; an exception in its place would pass over the end of the sending.
  const auto state = state_;
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  auto response = co_await state->exchange(std::move(request), source, deadline);
  co_await asio::this_coro::throw_if_cancelled(throws);
  co_return response;
}

}  // namespace s3link::http_client
