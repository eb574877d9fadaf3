// s3link-load: how fast a running server answers signed requests.
//
//   AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… s3link-load --port 9000 --operation put --size 4096 --connections 16

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fstream>
#include <string>

#include "workload.hpp"

namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
  return value == nullptr ? "" : value;
}

void print(const s3link::bench::Plan& plan, const s3link::bench::Report& report) {
  const auto& samples = report.samples;
  const auto at = [&samples](double part) {
    const auto index = static_cast<std::size_t>(part * static_cast<double>(samples.size() - 1));
    return static_cast<double>(samples[index].latency_us) / 1000;
  };
  const double per_second = static_cast<double>(samples.size()) / report.took.count();
  const bool has_body = plan.operation != "list" && plan.operation != "ready";
  const double mebibytes = has_body ? per_second * static_cast<double>(plan.size_bytes) / (1024 * 1024) : 0;
  fmt::print(
      "{:5} {:>9} B  c={:<3} {:9.0f} req/s {:8.1f} MiB/s  ms: p50 {:.2f}  p90 {:.2f}  p99 {:.2f}  max {:.2f}  failed "
      "{}\n",
      plan.operation, plan.size_bytes, plan.connections, per_second, mebibytes, at(0.5), at(0.9), at(0.99), at(1),
      report.failures);
}

/// One line for each request: when it began (microseconds since 1970), how long it took (microseconds).
bool write_samples(const std::string& file, const s3link::bench::Report& report) {
  std::ofstream out(file);
  for (const auto& sample : report.samples) out << sample.begun_us << ' ' << sample.latency_us << '\n';
  return out.flush().good();
}

}  // namespace

int main(int argc, char** argv) {
  s3link::bench::Plan plan;
  int seconds = 5;
  std::string samples_file;
  CLI::App app("Measures a running s3link server. Credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.");
  app.add_option("--host", plan.host, "IP address")->capture_default_str();
  app.add_option("--port", plan.port)->capture_default_str();
  app.add_option("--bucket", plan.bucket)->default_val("file-exchange");
  app.add_option("--region", plan.region)->default_val("us-east-1");
  app.add_option("--operation", plan.operation)
      ->check(CLI::IsMember({"put", "get", "list", "ready", "fill"}))
      ->required();
  app.add_option("--prefix", plan.prefix, "of the keys")->capture_default_str();
  app.add_flag("--existing", plan.existing, "get: the objects are there already");
  app.add_option("--size", plan.size_bytes, "bytes of an object")->capture_default_str();
  app.add_option("--keys", plan.keys, "objects, worked on in turn")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--connections", plan.connections)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--seconds", seconds)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_flag("--signed-payload", plan.signed_payload, "sign the body's SHA-256");
  app.add_option("--samples", samples_file, "writes begin and latency of every request into this file");
  CLI11_PARSE(app, argc, argv);
  plan.duration = std::chrono::seconds(seconds);

  s3link::sigv4::Credentials credentials;
  credentials.access_key_id = environment("AWS_ACCESS_KEY_ID");
  credentials.secret_access_key = s3link::Secret(environment("AWS_SECRET_ACCESS_KEY"));
  const auto report = s3link::bench::run(plan, credentials);
  if (!report) {
    fmt::print(stderr, "s3link-load: {}\n", report.error().message);
    return 1;
  }
  print(plan, *report);
  if (!samples_file.empty() && !write_samples(samples_file, *report)) {
    fmt::print(stderr, "s3link-load: cannot write {}\n", samples_file);
    return 1;
  }
  return 0;
}
