#include "workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <exception>
#include <random>

#include "core/base/digest.hpp"
#include "core/sigv4/sign.hpp"
#include "ports/awaitable.hpp"

namespace s3link::bench {

namespace {

using asio::ip::tcp;
using std::chrono::steady_clock;
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

std::string random_bytes(std::size_t count) {
  std::mt19937_64 engine(1);  // NOLINT(bugprone-random-generator-seed): the same bytes in every run
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(engine());
  return bytes;
}

// The signed heads of one kind of request, for the objects numbered from `first` on.
std::vector<std::string> sign_all(const Plan& plan, const sigv4::Credentials& credentials, const std::string& operation,
                                  const std::string& body, std::size_t first, std::size_t count) {
  const std::string method = operation == "put" ? "PUT" : "GET";
  const std::string hash = operation == "put" && plan.signed_payload ? hex_encode(sha256(body)) : "UNSIGNED-PAYLOAD";
  const Instant now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  std::vector<std::string> heads;
  for (std::size_t index = first; index < first + count; ++index) {
    sigv4::OutgoingRequest request;
    request.method = method;
    request.host = fmt::format("{}:{}", plan.host, plan.port);
    if (operation == "ready") {
      request.target = "/_/readyz";
    } else if (operation == "list") {
      request.target = fmt::format("/{}?list-type=2&max-keys=1000&prefix={}%2F", plan.bucket, plan.prefix);
    } else {
      request.target = fmt::format("/{}/{}/{}/{:08}", plan.bucket, plan.prefix, plan.size_bytes, index);
    }
    if (operation != "ready") sign_request(request, credentials, plan.region, "s3", hash, now);
    std::string head = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
    if (operation == "ready") head += fmt::format("Host: {}\r\n", request.host);
    for (const auto& [name, value] : request.fields) head += fmt::format("{}: {}\r\n", name, value);
    if (operation == "put") head += fmt::format("Content-Length: {}\r\n", body.size());
    heads.push_back(head + "\r\n");
  }
  return heads;
}

struct Run {
  tcp::endpoint server;
  const std::vector<std::string>& heads;
  const std::string& body;  // sent with each request
  std::size_t limit;        // requests to send, 0: until `end`
  steady_clock::time_point end;

  std::size_t next = 0;
  Report report;
  std::string first_failure;
};

// Reads one response and drops its body. Returns the status, 0 when the connection ended.
Awaitable<unsigned> read_response(tcp::socket& socket, std::string& head, std::vector<char>& scratch) {
  head.clear();
  std::size_t end = std::string::npos;
  while ((end = head.find("\r\n\r\n")) == std::string::npos) {
    const auto [error, count] = co_await socket.async_read_some(asio::buffer(scratch), kToken);
    if (error) co_return 0;
    head.append(scratch.data(), count);
  }
  std::uint64_t left = 0;
  if (const auto field = head.find("Content-Length: "); field < end) {
    std::from_chars(head.data() + field + 16, head.data() + head.size(), left);
  }
  left -= std::min<std::uint64_t>(left, head.size() - end - 4);
  while (left > 0) {
    const auto [error, count] = co_await socket.async_read_some(asio::buffer(scratch), kToken);
    if (error) co_return 0;
    left -= count;
  }
  unsigned status = 0;
  std::from_chars(head.data() + 9, head.data() + 12, status);
  co_return status;
}

Awaitable<void> drive(Run& run) {
  tcp::socket socket(co_await asio::this_coro::executor);
  std::vector<char> scratch(std::size_t{256} * 1024);
  std::string head;
  bool connected = false;
  while ((run.limit == 0 || run.next < run.limit) && steady_clock::now() < run.end) {
    if (!connected) {
      socket = tcp::socket(co_await asio::this_coro::executor);
      const auto [error] = co_await socket.async_connect(run.server, kToken);
      if (error) {
        run.first_failure = error.message();
        ++run.report.failures;
        co_return;
      }
      socket.set_option(tcp::no_delay(true));
      connected = true;
    }
    const std::string& request = run.heads[run.next++ % run.heads.size()];
    const auto begun = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    const auto begin = steady_clock::now();
    const std::array<asio::const_buffer, 2> out = {asio::buffer(request), asio::buffer(run.body)};
    const auto [error, count] = co_await asio::async_write(socket, out, kToken);
    const unsigned status = co_await read_response(socket, head, scratch);
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin);
    if (status == 200) {
      run.report.samples.push_back({begun.time_since_epoch().count(), static_cast<std::uint32_t>(took.count())});
    } else {
      ++run.report.failures;
      if (run.first_failure.empty()) run.first_failure = status == 0 ? "the connection ended" : head;
      connected = status != 0 && !error;
    }
  }
}

void go(Run& run, std::size_t connections) {
  asio::io_context context{1};
  std::exception_ptr failure;
  for (std::size_t index = 0; index < connections; ++index) {
    asio::co_spawn(context, drive(run), [&failure](std::exception_ptr thrown) {
      if (thrown) failure = thrown;
    });
  }
  const auto begin = steady_clock::now();
  context.run();
  run.report.took = steady_clock::now() - begin;
  if (failure) std::rethrow_exception(failure);
}

// Puts `count` objects, numbered from `first` on, once each.
Result<Report> put_once(const Plan& plan, const sigv4::Credentials& credentials, const tcp::endpoint& server,
                        const std::string& body, std::size_t first, std::size_t count, std::size_t connections) {
  const auto heads = sign_all(plan, credentials, "put", body, first, count);
  Run writing{server, heads, body, count, steady_clock::time_point::max(), 0, {}, {}};
  go(writing, connections);
  if (writing.report.failures > 0) return fail(ErrorKind::transient, writing.first_failure);
  return std::move(writing.report);
}

Result<Report> fill(const Plan& plan, const sigv4::Credentials& credentials, const tcp::endpoint& server,
                    const std::string& body) {
  constexpr std::size_t kPiece = 20'000;  // objects signed at a time
  Report whole;
  for (std::size_t first = 0; first < plan.keys; first += kPiece) {
    const auto piece =
        put_once(plan, credentials, server, body, first, std::min(kPiece, plan.keys - first), plan.connections);
    if (!piece) return std::unexpected(piece.error());
    whole.samples.insert(whole.samples.end(), piece->samples.begin(), piece->samples.end());
    whole.took += piece->took;
  }
  std::ranges::sort(whole.samples, {}, &Sample::latency_us);
  return whole;
}

}  // namespace

Result<Report> run(const Plan& plan, const sigv4::Credentials& credentials) {
  const tcp::endpoint server(asio::ip::make_address(plan.host), plan.port);
  const bool has_body = plan.operation == "put" || plan.operation == "get" || plan.operation == "fill";
  const std::string body = random_bytes(has_body ? plan.size_bytes : 0);
  if (plan.operation == "fill") return fill(plan, credentials, server, body);
  if (plan.operation == "get" && !plan.existing) {
    const auto written =
        put_once(plan, credentials, server, body, 0, plan.keys, std::min<std::size_t>(plan.connections, 16));
    if (!written) return std::unexpected(written.error());
  }
  const auto heads = sign_all(plan, credentials, plan.operation, body, 0, plan.keys);
  Run timed{server, heads, plan.operation == "put" ? body : std::string(), 0, steady_clock::now() + plan.duration, 0,
            {},     {}};
  go(timed, plan.connections);
  if (timed.report.samples.empty()) return fail(ErrorKind::transient, timed.first_failure);
  std::ranges::sort(timed.report.samples, {}, &Sample::latency_us);
  return std::move(timed.report);
}

}  // namespace s3link::bench
