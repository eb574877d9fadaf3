// How fast the store is by itself: store_bench FOLDER [SECONDS]. Prints one line for each size and number of writers.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "adapters/sqlite_store/store.hpp"
#include "core/base/encoding.hpp"

namespace s3link {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Run {
  ports::BucketStore& store;
  std::string bytes;
  SteadyClock::time_point stop;
  std::atomic<std::uint64_t> next_key = 0;
  std::mutex mutex;
  std::vector<double> latencies_ms;
};

s3::BucketName bucket() { return *s3::BucketName::parse("bench"); }

Awaitable<Status> put_once(Run& run, std::string key) {
  auto body = co_await run.store.create_body(run.bytes.size());
  if (!body) co_return std::unexpected(body.error());
  const auto data = as_bytes(run.bytes);
  constexpr std::size_t kPiece = 256 * 1024;
  for (std::size_t at = 0; at < data.size(); at += kPiece) {
    const auto written = co_await (*body)->write(data.subspan(at, std::min(kPiece, data.size() - at)));
    if (!written) co_return written;
  }
  const auto finished = co_await (*body)->finish();
  if (!finished) co_return std::unexpected(finished.error());
  const ports::EventOrigin origin{.event_name = "ObjectCreated:Put",
                                  .region = "us-east-1",
                                  .principal = "bench",
                                  .source_ip = "127.0.0.1",
                                  .request_id = "0123456789ABCDEF"};
  const auto info = co_await run.store.put_object({.bucket = bucket(),
                                                   .key = *s3::ObjectKey::parse(key),
                                                   .headers = {},
                                                   .checksum = std::nullopt,
                                                   .modified = from_unix_ms(1'800'000'000'000),
                                                   .removed_at = from_unix_ms(1'900'000'000'000),
                                                   .event = origin,
                                                   .condition = {}},
                                                  std::move(*body));
  if (!info) co_return std::unexpected(info.error());
  co_return Status{};
}

Awaitable<void> write_on(Run& run) {
  std::vector<double> latencies;
  while (SteadyClock::now() < run.stop) {
    const auto begin = SteadyClock::now();
    const Status done = co_await put_once(run, fmt::format("users/{:08x}", run.next_key++ * 2654435761U));
    if (!done) {
      fmt::print("failed: {}\n", done.error().message);
      std::exit(1);
    }
    latencies.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count());
  }
  const std::lock_guard lock(run.mutex);
  run.latencies_ms.insert(run.latencies_ms.end(), latencies.begin(), latencies.end());
}

void measure(sqlite_store::Store& store, std::size_t size, int writers, double seconds) {
  const auto begin = SteadyClock::now();
  Run run{.store = store.buckets(),
          .bytes = std::string(size, 'x'),
          .stop = begin + std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(seconds)),
          .mutex = {},
          .latencies_ms = {}};
  const auto before = store.commit_counters();
  std::vector<asio::io_context> contexts(2);
  for (int i = 0; i < writers; ++i) {
    asio::co_spawn(contexts[static_cast<std::size_t>(i) % 2], write_on(run), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
  }
  std::vector<std::thread> threads;
  for (auto& context : contexts) threads.emplace_back([&context] { context.run(); });
  for (auto& thread : threads) thread.join();
  const double took = std::chrono::duration<double>(SteadyClock::now() - begin).count();
  const auto after = store.commit_counters();

  auto& all = run.latencies_ms;
  std::ranges::sort(all);
  const auto count = static_cast<double>(all.size());
  const auto percentile = [&](double part) { return all[static_cast<std::size_t>(part * (count - 1))]; };
  fmt::print(
      "{:>9} B {:>3} writers: {:>8.0f} PUT/s {:>7.1f} MiB/s  p50 {:>7.2f} ms  p99 {:>7.2f} ms  {:>5.1f} to a commit\n",
      size, writers, count / took, count * static_cast<double>(size) / took / 1048576, percentile(0.5),
      percentile(0.99),
      static_cast<double>(after.requests - before.requests) /
          static_cast<double>(after.transactions - before.transactions));
}

int run(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("usage: store_bench FOLDER [SECONDS]\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  const double seconds = argc > 2 ? std::atof(argv[2]) : 5;
  const auto begin = SteadyClock::now();
  auto store = sqlite_store::Store::open(
      {.data_dir = folder, .master_key = Secret(std::string(32, 'b')), .region = "us-east-1"});
  if (!store) {
    fmt::print("{}\n", store.error().message);
    return 1;
  }
  fmt::print("opened in {:.1f} ms\n", std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count());
  asio::io_context io;
  asio::co_spawn(io, (*store)->buckets().create_bucket(bucket(), from_unix_ms(0)), [](std::exception_ptr, Status) {});
  io.run();
  for (const std::size_t size : {std::size_t{4096}, std::size_t{65'536}, std::size_t{1} << 20, std::size_t{64} << 20}) {
    for (const int writers : {1, 16, 64}) {
      if (size > (1 << 20) && writers > 1) continue;
      measure(**store, size, writers, seconds);
    }
  }
  return 0;
}

}  // namespace
}  // namespace s3link

int main(int argc, char** argv) { return s3link::run(argc, argv); }
