#include "apps/s3link/serve_metrics.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <optional>
#include <utility>

#include "adapters/http_server/server.hpp"
#include "adapters/prometheus/text.hpp"
#include "adapters/sqlite_store/meter.hpp"
#include "adapters/sqlite_store/store.hpp"
#include "adapters/system/process_statistics.hpp"
#include "adapters/system/queued_logger.hpp"
#include "apps/s3link/serve_traces.hpp"
#include "services/pipeline/clock_guard.hpp"
#include "services/pipeline/dead_letter_retention.hpp"
#include "services/pipeline/dispatcher.hpp"
#include "services/pipeline/lifecycle_sweeper.hpp"
#include "services/pipeline/metered_mail_sender.hpp"
#include "services/pipeline/pipeline_metrics.hpp"
#include "services/pipeline/relay_gate.hpp"
#include "services/pipeline/storage_watch.hpp"
#include "services/server/access_log.hpp"
#include "services/server/metrics_document.hpp"
#include "services/server/request_metrics.hpp"
#include "services/server/s3_api.hpp"

namespace s3link::app {
namespace {

using metrics::counter;
using metrics::Families;
using metrics::Family;
using metrics::gauge;
using metrics::Kind;

void append(Families& to, Families more) { std::ranges::move(more, std::back_inserter(to)); }

double number(std::uint64_t count) { return static_cast<double>(count); }

metrics::Sample sample(const metrics::Histogram& histogram, std::vector<metrics::Label> labels = {}) {
  return {.labels = std::move(labels), .value = 0, .histogram = histogram.read()};
}

double read(const std::atomic<std::uint64_t>& count) { return number(count.load(std::memory_order_relaxed)); }

Families store_families(const sqlite_store::StoreMeter& meter, bool writable) {
  return {gauge("s3link_store_writable", "1 while uploads can be stored, else 0.", writable ? 1 : 0),
          {.name = "s3link_store_commit_batch_size",
           .help = "Writes that were committed together in one transaction.",
           .kind = Kind::histogram,
           .samples = {sample(meter.batches)}},
          {.name = "s3link_store_commit_duration_seconds",
           .help = "Time of a COMMIT, which is the sync of the database's log.",
           .kind = Kind::histogram,
           .samples = {sample(meter.commits)}},
          {.name = "s3link_store_sync_duration_seconds",
           .help = "Time of a sync (fsync) of object files, by what is synced: body (a file), folder.",
           .kind = Kind::histogram,
           .samples = {sample(meter.body_syncs, {{"what", "body"}}), sample(meter.folder_syncs, {{"what", "folder"}})}},
          counter("s3link_store_failed_transactions_total", "Transactions of which nothing was committed.",
                  read(meter.failed_transactions)),
          gauge("s3link_store_log_bytes", "Bytes in the database's log that are not written back and cut.",
                read(meter.log_bytes)),
          gauge("s3link_store_log_held", "1 while a large log of the database cannot be cut, else 0.",
                read(meter.log_held)),
          gauge("s3link_backup_running", "1 while a backup keeps files from being removed, else 0.",
                read(meter.backup_running)),
          gauge("s3link_backup_no_progress_seconds", "Time since that backup got further.",
                read(meter.backup_quiet_seconds)),
          counter("s3link_backups_broken_off_total", "Backups that the server broke off: hung, or too long.",
                  read(meter.backups_broken_off))};
}

Families connection_families(const http_server::Server& server, unsigned max_connections) {
  const auto tally = server.tally();
  return {gauge("s3link_http_connections", "Connections open now.", number(server.connections())),
          gauge("s3link_http_max_connections", "Connections that may be open (server.max_connections).",
                number(max_connections)),
          counter("s3link_http_accepted_connections_total", "Connections accepted.", number(tally.accepted)),
          counter("s3link_http_closed_for_room_total",
                  "Refused, unfinished and idle connections closed to make room for new ones.",
                  number(tally.closed_for_room)),
          counter("s3link_http_over_address_limit_total",
                  "Connections closed unread because their address had server.max_connections_per_address.",
                  number(tally.over_address_limit)),
          counter("s3link_http_accept_failures_total",
                  "Times that a connection could not be accepted for want of descriptors or memory.",
                  number(tally.accept_failures)),
          counter("s3link_http_refused_requests_total",
                  "Requests refused before they reached S3: malformed, too long or too slow heads.",
                  number(tally.refused_requests))};
}

Family traces_lost(const ServeTraces& traces) {
  Family out{.name = "s3link_traces_lost_total",
             .help = "Spans or segment documents an exporter could not send in time.",
             .kind = Kind::counter,
             .samples = {}};
  for (const auto& loss : traces.losses()) {
    out.samples.push_back(metrics::labelled("exporter", std::string(loss.exporter), number(loss.count)));
  }
  return out;
}

std::vector<std::string_view> all_paths(std::vector<std::string_view> documents) {
  std::ranges::copy(server::own_paths(), std::back_inserter(documents));
  documents.emplace_back("/_/metrics");
  return documents;
}

/// What is made after the document.
struct Watched {
  const http_server::Server& server;
  const pipeline::Dispatcher& dispatcher;
  const pipeline::LifecycleSweeper& sweeper;
  const pipeline::DeadLetterRetention& retention;
  const pipeline::RelayGate& relay;
};

}  // namespace

struct ServeMetrics::Parts {
  Parts(const config::Settings& settings, Sources given, ports::MailSender& links, ports::Clock& clock,
        std::vector<std::string_view> document_paths)
      : sources(given),
        max_connections(settings.server.max_connections),
        requests(all_paths(std::move(document_paths))),
        sender(links, clock),
        document(
            {.buckets = {settings.bucket.name, settings.bucket.logs_name}, .token = settings.metrics.token.clone()},
            sources.store.statistics(), [this] { return counted(); }, text, clock) {}

  Families counted() const;

  const Sources sources;
  const unsigned max_connections;
  prometheus::PrometheusText text;
  server::RequestMetrics requests;
  pipeline::MeteredMailSender sender;
  std::optional<Watched> watched;
  server::MetricsDocument document;
};

Families ServeMetrics::Parts::counted() const {
  Families out = {{.name = "s3link_build_info",
                   .help = "Always 1; the version stands in the label.",
                   .kind = Kind::gauge,
                   .samples = {metrics::labelled("version", S3LINK_VERSION, 1)}}};
  append(out, requests.families());
  if (watched) {
    append(out, connection_families(watched->server, max_connections));
    out.push_back(pipeline::delivery_family(watched->dispatcher.tally()));
    append(out, pipeline::relay_families(watched->relay.status()));
    append(out, pipeline::sweep_families(watched->sweeper.tally()));
    out.push_back(pipeline::removed_dead_letters_family(watched->retention, sources.redrive));
  }
  out.push_back(sender.family());
  out.push_back(pipeline::clock_family(sources.clock_guard.status()));
  append(out, store_families(sources.store.meter(), sources.storage.state().has_value()));
  out.push_back(counter("s3link_access_log_lost_lines_total", "Access log lines lost because too many waited.",
                        number(sources.access_log.lost())));
  out.push_back(counter("s3link_access_log_refused_lines_dropped_total",
                        "Access log lines of requests that were not authenticated, dropped because they were too many.",
                        number(sources.access_log.refused_lost())));
  out.push_back(counter("s3link_log_lines_dropped_total",
                        "Lines of the log on standard error dropped: it did not take them in time, or not at all.",
                        number(sources.log.dropped())));
  out.push_back(traces_lost(sources.traces));
  append(out, system::process_families(system::read_process_statistics()));
  return out;
}

ServeMetrics::ServeMetrics(const config::Settings& settings, Sources sources, ports::MailSender& links,
                           ports::Clock& clock, std::vector<std::string_view> document_paths)
    : parts_(std::make_unique<Parts>(settings, sources, links, clock, std::move(document_paths))) {}

ServeMetrics::~ServeMetrics() = default;

server::RequestObserver& ServeMetrics::observer() { return parts_->requests; }
server::ApiDocument& ServeMetrics::document() { return parts_->document; }
ports::MailSender& ServeMetrics::sender() { return parts_->sender; }

void ServeMetrics::watch(const http_server::Server& server, const pipeline::Dispatcher& dispatcher,
                         const pipeline::LifecycleSweeper& sweeper, const pipeline::DeadLetterRetention& retention,
                         const pipeline::RelayGate& relay) {
  parts_->watched.emplace(server, dispatcher, sweeper, retention, relay);
}

}  // namespace s3link::app
