#include "apps/s3link/serve.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <exception>
#include <optional>
#include <thread>

#include "adapters/http_server/server.hpp"
#include "adapters/smtp/outbox_folder.hpp"
#include "adapters/smtp/smtp_sender.hpp"
#include "adapters/sqlite_store/body_files.hpp"
#include "adapters/sqlite_store/key_rotation.hpp"
#include "adapters/sqlite_store/store.hpp"
#include "adapters/system/line_writer.hpp"
#include "adapters/system/queued_logger.hpp"
#include "adapters/system/service_notifier.hpp"
#include "adapters/system/signal_watcher.hpp"
#include "adapters/system/system_clock.hpp"
#include "adapters/system/system_random.hpp"
#include "adapters/system/time_zone.hpp"
#include "apps/s3link/credentials_file.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/files.hpp"
#include "apps/s3link/loose_modes.hpp"
#include "apps/s3link/process.hpp"
#include "apps/s3link/relay_secrets.hpp"
#include "apps/s3link/serve_access_log.hpp"
#include "apps/s3link/serve_alarm.hpp"
#include "apps/s3link/serve_clock.hpp"
#include "apps/s3link/serve_metrics.hpp"
#include "apps/s3link/serve_notify.hpp"
#include "apps/s3link/serve_readiness.hpp"
#include "apps/s3link/serve_reload.hpp"
#include "apps/s3link/serve_traces.hpp"
#include "core/config/values.hpp"
#include "services/link/link_generator.hpp"
#include "services/link/mailer.hpp"
#include "services/pipeline/clock_guard.hpp"
#include "services/pipeline/dead_letter_retention.hpp"
#include "services/pipeline/dispatcher.hpp"
#include "services/pipeline/lifecycle_sweeper.hpp"
#include "services/pipeline/redrive.hpp"
#include "services/pipeline/relay_gate.hpp"
#include "services/pipeline/storage_watch.hpp"
#include "services/server/s3_api.hpp"

namespace s3link::app {
namespace {

using namespace std::chrono_literals;

/// What requests in flight and running deliveries get to end in.
constexpr std::chrono::milliseconds kStopGrace = 4s;

system::LogFormat log_format(config::LogFormat format) {
  if (format == config::LogFormat::automatic) {
    return system::stderr_is_terminal() ? system::LogFormat::text : system::LogFormat::json;
  }
  return format == config::LogFormat::text ? system::LogFormat::text : system::LogFormat::json;
}

std::filesystem::path credentials_file_of(const config::Settings& settings) {
  return settings.server.data_dir / "credentials";
}

Awaitable<Status> begin(pipeline::ClockGuard& guard) {
  co_await guard.begin();
  co_return Status{};
}

/// Runs one coroutine to its end on a context that is not running otherwise.
Status run_alone(asio::io_context& context, Awaitable<Status> work) {
  Status outcome = fail(ErrorKind::internal, "not run");
  std::exception_ptr thrown;
  asio::co_spawn(context, std::move(work), [&](std::exception_ptr error, Status status) {
    thrown = error;
    outcome = std::move(status);
  });
  context.run();
  context.restart();
  if (thrown) std::rethrow_exception(thrown);
  return outcome;
}

Awaitable<Status> note_whether_used(sqlite_store::Store& store, s3::BucketName bucket, bool& used) {
  const auto objects = co_await store.buckets().list_objects(
      {.bucket = std::move(bucket), .prefix = {}, .delimiter = {}, .start_after = {}, .max_entries = 1});
  if (!objects) {
    if (objects.error().kind == ErrorKind::not_found) co_return Status{};  // no bucket yet: the first start
    co_return std::unexpected(objects.error());
  }
  ports::DeliveryFilter newest;
  newest.limit = 1;
  const auto deliveries = co_await store.deliveries().list(std::move(newest));
  if (!deliveries) co_return std::unexpected(deliveries.error());
  used = !objects->objects.empty() || !deliveries->empty();
  co_return Status{};
}

/// The key pairs that requests may be signed with; a new one only where nothing is stored yet. `made`: it is new.
Result<StoredKeys> keys_of(const config::Settings& settings, sqlite_store::Store& store, asio::io_context& context,
                           ports::Random& random, bool& made) {
  made = false;
  if (!settings.auth.access_key_id.empty()) {
    return StoredKeys{{settings.auth.access_key_id, settings.auth.secret_access_key.clone(), Secret()}};
  }
  const auto file = credentials_file_of(settings);
  auto stored = read_credentials(file);
  if (stored || stored.error().kind != ErrorKind::not_found) return stored;
  bool used = false;
  if (const Status looked = run_alone(context, note_whether_used(store, settings.bucket.name, used)); !looked) {
    return std::unexpected(looked.error());
  }
  if (used) {
    return fail(
        ErrorKind::not_found,
        fmt::format("the access key {} is missing, and files were stored under it: clients sign with it, and so "
                    "are the mailed links. Restore it from your copy, or make a new one, which ends those links: "
                    "s3link key rotate --access --data-dir {}",
                    file.string(), settings.server.data_dir.string()));
  }
  return read_or_create_credentials(file, random, made);
}

/// The master key of this data folder; a new one only for a new folder.
Result<Secret> master_key_of(const config::Settings& settings) {
  const auto& file = settings.auth.master_key_file;
  const Status settled = sqlite_store::settle_master_key({.data_dir = settings.server.data_dir, .key_file = file});
  if (!settled) return std::unexpected(settled.error());
  const auto database = settings.server.data_dir / "s3link.db";
  std::error_code error;
  if (!std::filesystem::exists(file, error) && std::filesystem::exists(database, error)) {
    return fail(ErrorKind::not_found,
                fmt::format("the master key {} is missing, and without it {} cannot be read; restore it from your copy",
                            file.string(), database.string()));
  }
  return sqlite_store::load_or_create_master_key(file);
}

void log_restored(ports::Logger& logger, const sqlite_store::RestoredFolder& found) {
  const bool whole = found.missing_files == 0;
  logger.log(whole ? ports::LogLevel::info : ports::LogLevel::error,
             whole ? "first start after a restore" : "first start after a restore: files of objects are missing",
             {{"missing_files", std::to_string(found.missing_files)},
              {"removed_files_of_no_object", std::to_string(found.unnamed_files)}});
}

Result<std::unique_ptr<ports::MailSender>> mail_sender_of(const config::Settings& settings,
                                                          ports::LoginSecrets* secrets) {
  if (settings.email.relay) {
    smtp::RelaySettings relay = relay_settings(settings);
    relay.concurrency = settings.email.max_connections;
    return std::make_unique<smtp::SmtpSender>(std::move(relay), secrets);
  }
  auto folder = smtp::OutboxFolder::open(settings.server.data_dir / "outbox");
  if (!folder) return std::unexpected(folder.error());
  return std::move(*folder);
}

/// A folder bears as many as there are deliveries.
delivery::RelayPolicy relay_policy(const config::Settings& settings) {
  return {.recipients = settings.email.relay ? settings.email.recipients.size() : 1,
          .max_connections = settings.email.relay ? settings.email.max_connections : settings.delivery.concurrency,
          .rate = settings.email.rate,
          .first_pause = settings.delivery.first_retry,
          .max_pause = settings.delivery.max_retry};
}

pipeline::DispatcherSettings dispatcher_settings(const config::Settings& settings, pipeline::ClockGuard& guard) {
  const auto& delivery = settings.delivery;
  const auto& rate = settings.email.recipient_rate;
  return {.retry = {.max_attempts = delivery.max_attempts,
                    .first_retry = delivery.first_retry,
                    .max_retry = delivery.max_retry,
                    .give_up_after = delivery.give_up_after},
          .concurrency = delivery.concurrency,
          .longest_hold = rate ? rate->per : std::chrono::seconds(0),
          // Often enough that nothing is removed before it is seen that its time is over.
          .overdue_period = std::clamp<std::chrono::seconds>(
              std::min(settings.bucket.object_ttl / 48, delivery.give_up_after / 10), 1s, 60s),
          .stop_grace = kStopGrace,
          .clock = [&guard] { return guard.status(); }};
}

Awaitable<Status> make_bucket(ports::BucketStore& buckets, s3::BucketName name, Instant now) {
  const Status created = co_await buckets.create_bucket(std::move(name), now);
  if (!created && created.error().kind != ErrorKind::conflict) co_return created;
  co_return Status{};
}

std::string transport_in_words(const config::Settings& settings) {
  if (settings.email.relay) {
    const mail::RelayUrl& relay = *settings.email.relay;
    return fmt::format("through {}", config::HostPort{relay.host, relay.port}.text());
  }
  return fmt::format("written to {}/*.eml", (settings.server.data_dir / "outbox").string());
}

std::string recipients_in_words(const config::Settings& settings) {
  std::vector<std::string_view> recipients;
  for (const mail::Address& address : settings.email.recipients) recipients.push_back(address.text());
  return fmt::format("to {}, {}", fmt::join(recipients, ", "), transport_in_words(settings));
}

/// For the person at the terminal; the log says the same. Nobody may be there to read it, which is no failure, and a
/// terminal that is stopped is not waited for.
void print_summary(const config::Settings& settings, const std::string& endpoint, const std::string& public_url,
                   const std::string& access_key_id) {
  std::string out = fmt::format("s3link {} serves the bucket {}\n", S3LINK_VERSION, settings.bucket.name.text());
  const auto line = [&](std::string_view name, const std::string& value) {
    fmt::format_to(std::back_inserter(out), "  {:<14} {}\n", name, value);
  };
  line("endpoint", fmt::format("{} (region {})", endpoint, settings.server.region));
  if (public_url != endpoint) line("links", public_url);
  line("access key id", settings.auth.access_key_id.empty() ? fmt::format("{} (its secret is in {})", access_key_id,
                                                                          credentials_file_of(settings).string())
                                                            : access_key_id);
  line("mail", recipients_in_words(settings));
  line("data", std::filesystem::absolute(settings.server.data_dir).string());
  out.pop_back();
  system::LineWriter writer(system::descriptor_sink(STDOUT_FILENO), [](std::uint64_t) { return std::string(); }, {});
  writer.write(std::move(out));
}

/// Removes data_dir/listen when the server ends.
class ListenFile {
 public:
  static Result<ListenFile> write(std::filesystem::path file, const std::string& address) {
    if (const Status written = replace_file(file, address + "\n"); !written) return std::unexpected(written.error());
    return ListenFile(std::move(file));
  }
  ListenFile(ListenFile&& other) noexcept : file_(std::exchange(other.file_, {})) {}
  ListenFile& operator=(ListenFile&&) = delete;
  ~ListenFile() {
    std::error_code ignored;
    if (!file_.empty()) std::filesystem::remove(file_, ignored);
  }

 private:
  explicit ListenFile(std::filesystem::path file) : file_(std::move(file)) {}
  std::filesystem::path file_;
};

/// The host as it is signed in links: "files.example.org[:port]". Empty where the URL is.
std::string host_of_links(const std::string& public_url) {
  const std::string url = config::parse_http_origin(public_url).value_or(public_url);
  const auto at = url.find("://");
  return at == std::string::npos ? std::string() : url.substr(at + 3);
}

/// The pipeline's coroutines on one thread of their own; the last to stop ends it.
class PipelineThread {
 public:
  /// `failed` is called from that thread when a coroutine throws, which is a bug.
  PipelineThread(asio::io_context& context, ports::Logger& logger, std::function<void()> failed)
      : context_(context), logger_(logger), failed_(std::move(failed)) {}

  void add(std::string_view name, Awaitable<void> work) {
    asio::co_spawn(context_, std::move(work), [this, name](std::exception_ptr error) {
      if (!error) return;
      std::string what = "unknown";
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& exception) {
        what = exception.what();
      } catch (...) {
      }
      logger_.log(ports::LogLevel::error, "pipeline failed", {{"part", std::string(name)}, {"error", what}});
      failed_();
    });
  }
  void start() {
    thread_ = std::thread([this] { context_.run(); });
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  asio::io_context& context_;
  ports::Logger& logger_;
  std::function<void()> failed_;
  std::thread thread_;
};

}  // namespace

int serve(const ConfigOptions& options) {
  system::SignalWatcher::hold_reloads();
  auto loaded = load_configuration(options);
  if (!loaded) return report_problems(loaded.error());
  auto files = read_named_files(*loaded);
  if (!files) return report_problems(files.error());
  config::Settings& settings = loaded->settings;
  if (const Status zone = system::use_time_zone(settings.email.time_zone); !zone) {  // while there are no threads
    return complain(kFailed, zone.error().message);
  }
  const auto notifier = system::ServiceNotifier::open([](const char* name) { return std::getenv(name); });
  if (!notifier) return complain(kFailed, notifier.error().message);
  raise_file_limit();
  ignore_broken_pipes();

  // Bottom-up; everything is destroyed top-down.
  system::QueuedLogger logger(log_level(settings.log.level), log_format(settings.log.format));
  const auto refuse = [&logger](ExitStatus status, std::string_view message) {
    logger.print(complaint(message));  // behind what was logged, and waiting for nobody
    return status;
  };
  system::SystemClock clock;
  system::SystemRandom random;
  asio::io_context context(1);

  if (const Status made = create_private_folder(settings.server.data_dir); !made) {
    return refuse(kFailed, made.error().message);
  }
  auto master_key = master_key_of(settings);
  if (!master_key) return refuse(kFailed, master_key.error().message);
  auto opened = sqlite_store::Store::open(
      {.data_dir = settings.server.data_dir,
       .master_key = std::move(*master_key),
       .region = settings.server.region,
       .max_pending = settings.delivery.max_pending,
       .quota = {.bucket = settings.bucket.name.text(),
                 .max_bytes = settings.bucket.max_bytes,
                 .max_objects = settings.bucket.max_objects},
       .backup = {.max_pause = settings.backup.max_pause, .max_time = settings.backup.max_time},
       .logger = &logger});
  if (!opened) return refuse(kFailed, opened.error().message);
  sqlite_store::Store& store = **opened;
  // The store holds the folder's lock from here on: what follows has the folder to itself.
  bool credentials_made = false;
  auto stored_keys = keys_of(settings, store, context, random, credentials_made);
  if (!stored_keys) return refuse(kFailed, stored_keys.error().message);
  sigv4::KeyRing keys(std::move(stored_keys->current), std::move(stored_keys->old));
  const std::string access_key_id = keys.current()->credentials.access_key_id;
  RelaySecrets relay_secrets(settings, *files, context, clock);
  auto sender = mail_sender_of(settings, relay_secrets.links());
  if (!sender) return refuse(kFailed, sender.error().message);
  for (const s3::BucketName& name : {settings.bucket.name, settings.bucket.logs_name}) {
    const Status made = run_alone(context, make_bucket(store.buckets(), name, clock.now()));
    if (!made)
      return refuse(kFailed, fmt::format("cannot create the bucket {}: {}", name.text(), made.error().message));
  }

  pipeline::ClockGuard guard(clock_guard_settings(settings, clock), store.clock(), clock, logger);
  if (const Status begun = run_alone(context, begin(guard)); !begun) return refuse(kFailed, begun.error().message);

  ServeTraces traces(settings, clock, random, logger);
  pipeline::Redrive redrive(store.dead_letters(), store.buckets(), clock, logger);
  ServedAccessLog access_log(settings, store.access_log_journal(), clock, random, logger);
  std::atomic<bool> stopping = false;
  server::Liveness liveness;
  pipeline::StorageWatch storage(storage_source(store), clock, logger);
  ServeMetrics metrics(settings,
                       {.store = store,
                        .redrive = redrive,
                        .access_log = access_log.log,
                        .traces = traces,
                        .log = logger,
                        .clock_guard = guard,
                        .storage = storage},
                       **sender, clock, {server::AlarmsDocument::kPath});
  pipeline::RelayGate relay(relay_policy(settings), metrics.sender(), clock, random, logger);
  server::AlarmsDocument alarms = alarms_document(settings, store.alarms(), relay, guard, storage, clock);
  std::vector<server::RequestObserver*> observers = traces.observers();
  observers.push_back(&access_log.log);
  observers.push_back(&metrics.observer());
  server::S3Api api({.region = settings.server.region,
                     .exchange_bucket = settings.bucket.name,
                     .object_ttl = settings.bucket.object_ttl,
                     .max_object_size = settings.server.max_object_size_bytes,
                     .domain = settings.server.domain,
                     .public_host = host_of_links(settings.server.public_url),
                     .trace_sample = settings.trace.sample,
                     .logs_bucket = settings.bucket.logs_name,
                     .contact = settings.email.reply_to.value_or(settings.email.sender).text(),
                     .language = settings.email.language},
                    keys, store.buckets(), store.deliveries(), store.dead_letters(), redrive, clock, random,
                    std::move(observers), {&alarms, &metrics.document()},
                    readiness_checks(stopping, store, storage, liveness, relay, guard));
  const auto removal_time = [&guard] { return guard.status().removal; };
  pipeline::DeadLetterRetention retention(store.dead_letters(), clock, logger, removal_time);
  pipeline::LifecycleSweeper sweeper(
      {.bucket = settings.bucket.name, .object_ttl = settings.bucket.object_ttl, .time = removal_time}, store.buckets(),
      clock, logger);

  http_server::ServerOptions server_options;
  server_options.host = settings.server.listen.host;
  server_options.port = settings.server.listen.port;
  server_options.max_connections = settings.server.max_connections;
  server_options.max_connections_per_address = settings.server.max_connections_per_address;
  server_options.trusted_proxies = settings.server.trusted_proxies;
  if (settings.server.tls_certificate) {
    server_options.tls = http_server::TlsFiles{*settings.server.tls_certificate, *settings.server.tls_key};
  }
  auto listening = http_server::Server::listen(std::move(server_options), api, logger);
  if (!listening) {
    const bool wrong_setting = listening.error().kind == ErrorKind::invalid_argument;
    return refuse(wrong_setting ? kWrongUse : kFailed, listening.error().message);
  }
  http_server::Server& server = **listening;
  const std::string address = config::HostPort{settings.server.listen.host, server.port()}.text();
  const std::string endpoint = fmt::format("{}://{}", settings.server.tls_certificate ? "https" : "http", address);
  const std::string public_url = settings.server.public_url.empty() ? endpoint : settings.server.public_url;

  const link::LinkGenerator links(
      {.public_url = public_url, .region = settings.server.region, .expiration = settings.link.expiration}, keys);
  link::Mailer mailer({.sender = settings.email.sender,
                       .sender_name = settings.email.sender_name,
                       .recipients = settings.email.recipients,
                       .link_template = std::move(files->link_template),
                       .reply_to = settings.email.reply_to,
                       .bounce_address = settings.email.bounce_address,
                       .recipient_rate = settings.email.recipient_rate,
                       .language = settings.email.language,
                       .utc_offset = system::utc_offset_at,
                       .origins = store.origins()},
                      relay, store.ledger(), clock, random);
  guard.on_change([&sweeper] { sweeper.wake(); });
  pipeline::Dispatcher dispatcher(dispatcher_settings(settings, guard), store.outbox(), store.buckets(), links, mailer,
                                  relay, clock, random, logger, traces.sink());

  NamedSecrets secrets = files->clone();  // the alarm takes its own
  auto alarm = ServeAlarm::make(settings, *files, relay_secrets.alarms(), public_url, store, **sender, relay, guard,
                                storage, context, clock, random, logger);
  if (!alarm) return refuse(kFailed, alarm.error().message);

  ServeReload reload(options, *loaded, std::move(secrets), server, mailer, relay_secrets, keys, relay, logger);
  metrics.watch(server, dispatcher, sweeper, retention, relay);
  system::SignalWatcher signals;
  std::atomic<bool> broken = false;
  PipelineThread pipeline(context, logger, [&] {
    broken = true;
    signals.interrupt();
  });
  pipeline.add("dispatcher", dispatcher.run());
  pipeline.add("sweeper", sweeper.run());
  pipeline.add("dead letter retention", retention.run());
  pipeline.add("clock guard", guard.run());
  pipeline.add("storage watch", storage.run());
  (*alarm)->run([&](std::string_view name, Awaitable<void> work) { pipeline.add(name, std::move(work)); });
  pipeline.add("access log", access_log.writer.run());
  pipeline.start();
  server.run();
  add_parts(liveness, server, context, store);
  ServeNotify notify(*notifier, liveness, logger);
  auto listen_file = ListenFile::write(settings.server.data_dir / "listen", address);
  int status = kDone;
  if (listen_file) {
    if (::isatty(STDOUT_FILENO) == 1) print_summary(settings, endpoint, public_url, access_key_id);
    if (credentials_made) {
      logger.log(ports::LogLevel::info, "credentials made",
                 {{"file", credentials_file_of(settings).string()}, {"access_key_id", access_key_id}});
    }
    for (const std::string& warning : loose_modes(*loaded)) {
      logger.log(ports::LogLevel::warning, "access", {{"warning", warning}});
    }
    if (const auto warning = too_few_files(settings.server.max_connections)) {
      logger.log(ports::LogLevel::warning, "configuration", {{"warning", *warning}});
    }
    if (const auto& restored = store.restored()) log_restored(logger, *restored);
    for (const std::string& warning : loaded->warnings) {
      logger.log(ports::LogLevel::warning, "configuration", {{"warning", warning}});
    }
    logger.log(ports::LogLevel::info, "ready",
               {{"version", S3LINK_VERSION},
                {"endpoint", endpoint},
                {"links", public_url},
                {"bucket", settings.bucket.name.text()},
                {"access_key_id", access_key_id},
                {"mail", recipients_in_words(settings)},
                {"data_dir", std::filesystem::absolute(settings.server.data_dir).string()}});
    notify.ready(fmt::format("serving the bucket {} at {}", settings.bucket.name.text(), endpoint));
    for (auto event = signals.wait(); event != system::SignalWatcher::Event::stop && !broken; event = signals.wait()) {
      if (event != system::SignalWatcher::Event::reload) continue;
      notify.reloading();
      reload.run();
      notify.reloaded();
    }
    if (broken) status = kFailed;
  } else {
    status = refuse(kFailed, listen_file.error().message);
  }

  end_at_next_signal();
  stopping = true;
  notify.stopping();
  logger.log(ports::LogLevel::info, "stopping", {});
  dispatcher.stop();
  sweeper.stop();
  retention.stop();
  guard.stop();
  storage.stop();
  (*alarm)->stop();
  server.stop(kStopGrace);
  access_log.writer.stop();  // after the last request
  pipeline.join();
  traces.stop();
  logger.log(ports::LogLevel::info, "stopped", {});
  return status;
}

}  // namespace s3link::app
