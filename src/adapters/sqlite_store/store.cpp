#include "adapters/sqlite_store/store.hpp"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "adapters/sqlite_store/access_log_journal.hpp"
#include "adapters/sqlite_store/alarm_store.hpp"
#include "adapters/sqlite_store/backup_watch.hpp"
#include "adapters/sqlite_store/bucket_store.hpp"
#include "adapters/sqlite_store/checkpointer.hpp"
#include "adapters/sqlite_store/clock_store.hpp"
#include "adapters/sqlite_store/counters.hpp"
#include "adapters/sqlite_store/dead_letter_queue.hpp"
#include "adapters/sqlite_store/delivery_log.hpp"
#include "adapters/sqlite_store/folder_lock.hpp"
#include "adapters/sqlite_store/key_check.hpp"
#include "adapters/sqlite_store/ledger.hpp"
#include "adapters/sqlite_store/origin_rows.hpp"
#include "adapters/sqlite_store/outbox.hpp"
#include "adapters/sqlite_store/row_seal.hpp"
#include "adapters/sqlite_store/schema.hpp"
#include "adapters/sqlite_store/statistics.hpp"
#include "adapters/sqlite_store/store_hooks.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMasterKeyBytes = 32;
/// A million a second would take a hundred thousand years.
constexpr std::uint64_t kLargestNumber = 1ULL << 62;
/// Enough for the disk to have several syncs in hand at a time; more gains little (docs/decisions/0020-storage.md).
constexpr std::size_t kPoolThreads = 8;

Status make_data_dir(const fs::path& data_dir) {
  std::error_code failure;
  if (fs::exists(data_dir, failure)) return {};
  fs::create_directories(data_dir, failure);
  if (!failure) fs::permissions(data_dir, fs::perms::owner_all, failure);
  if (failure) return fail(ErrorKind::internal, "cannot create " + data_dir.string() + ": " + failure.message());
  return {};
}

/// The database's tables under the master key: checked, migrated with its seals, or a new one's.
Status prepare_database(Connection& writer, const Secret& master_key, const RowSeals& seals) {
  if (const Status right = check_master_key(writer, master_key); !right) return right;
  seals.add_to(writer);
  if (const Status prepared = prepare_schema(writer); !prepared) return prepared;
  if (read_key_check(writer).empty())
    writer.run("INSERT INTO meta VALUES('key_check', ?1)", Blob{make_key_check(master_key)});
  if (!writer.ok()) return std::unexpected(writer.error());
  return {};
}

/// Beside those of folders: a probe's may be in objects/ itself.
bool has_bodies(const fs::path& data_dir) {
  std::error_code failure;
  for (fs::recursive_directory_iterator entry(data_dir / "objects", failure), end; !failure && entry != end;
       entry.increment(failure)) {
    if (entry.depth() > 0 && entry->is_regular_file(failure)) return true;
  }
  return false;
}

/// A database that is missing or empty is a new folder's; not so beside stored bodies, or beside its log.
Status check_database_is_there(const fs::path& file) {
  const auto has_bytes = [](const fs::path& path) {
    std::error_code failure;
    const auto size = fs::file_size(path, failure);
    return !failure && size > 0;
  };
  if (has_bytes(file)) return {};
  const bool logged = has_bytes(file.string() + "-wal");
  if (!logged && !has_bodies(file.parent_path())) return {};
  return fail(ErrorKind::conflict, file.string() + " is missing or empty, but there " +
                                       (logged ? "is its log, s3link.db-wal" : "are stored files in objects/") +
                                       " beside it: put the database back, from a backup if need be; to begin anew, "
                                       "choose an empty data folder");
}

/// Whether the next commit number can be right. Errors: corrupt (rows have it, or a later one, already); those of
/// reading.
Status check_next_number(Connection& db) {
  Query row = db.query(
      "SELECT value, max(coalesce((SELECT max(body_set) FROM bodies), 0), coalesce((SELECT max(id) FROM small_bodies), "
      "0), coalesce((SELECT max(id) FROM outbox), 0), coalesce((SELECT max(id) FROM buckets), 0))"
      " FROM meta WHERE name='next_number'");
  std::uint64_t next = 0;
  std::uint64_t last = 0;
  if (row.next()) {
    next = row.count(0);
    last = row.count(1);
  }
  if (!db.ok()) return std::unexpected(db.error());
  if (next > last && next <= kLargestNumber) return {};
  return fail(ErrorKind::corrupt, "s3link.db is damaged: its next commit number is " + std::to_string(next) +
                                      ", the last one in its tables " + std::to_string(last) +
                                      "; restore it from a backup");
}

/// One of the stored bodies that have a file.
std::optional<BodyId> any_body_file(Connection& db) {
  BodyId id{};
  fill_random(id);
  for (const char* const sql : {"SELECT id FROM bodies WHERE small IS NULL AND id>=?1 ORDER BY id LIMIT 1",
                                "SELECT id FROM bodies WHERE small IS NULL AND id<?1 ORDER BY id DESC LIMIT 1"}) {
    Query row = db.query(sql, Blob{id_text(id)});
    if (!row.next() || row.bytes(0).size() != id.size()) continue;
    std::ranges::copy(row.bytes(0), id.begin());
    return id;
  }
  return std::nullopt;
}

Status probe_files(BodyFiles& bodies, ReaderPool& readers) {
  if (const Status works = bodies.probe(); !works) return works;
  const auto some = readers.read([](Connection& db) -> Result<std::optional<BodyId>> { return any_body_file(db); });
  if (!some) return std::unexpected(some.error());
  return *some ? bodies.probe_rights(**some) : Status();
}

/// What is in the log now was found in the page cache, and if the run before ended because a sync had failed, that is
/// the only place where it is: Linux does not write such pages again. Behind a log with a hole no commit would last. A
/// backup that reads for so long that the log cannot be cut is broken off, and if it hangs, killed.
Status write_log_back(Connection& writer, BackupLock& backups, ports::Logger* logger) {
  writer.write_log_back();
  if (writer.ok() || !is_busy(writer.code())) return writer.ok() ? Status() : std::unexpected(writer.error());
  const auto old = backups.reads() ? backups.replace("the server is being started, and cannot wait for it")
                                   : Result<BackupLock>(std::unexpected(writer.error()));
  if (!old) {
    Error error = writer.error();
    error.message += ": another process reads s3link.db; end it (fuser s3link.db)";
    return std::unexpected(error);
  }
  const auto tell = [&](std::string_view message) {
    if (logger != nullptr)
      logger->log(ports::LogLevel::error, message,
                  {{"process", std::to_string(old->reader())}, {"detail", "at start"}});
  };
  tell("backup broken off");
  writer.clear_error();
  writer.write_log_back(BackupWatch::kGrace);
  // Asked once: it may end meanwhile, and kill(2) takes 0, nobody, for the server's own process group.
  const pid_t reader = old->reader();
  if (!writer.ok() && is_busy(writer.code()) && reader > 0) {
    tell("backup killed");
    ::kill(reader, SIGKILL);
    writer.clear_error();
    writer.write_log_back();
  }
  return writer.ok() ? Status() : std::unexpected(writer.error());
}

Instant system_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace

/// Everything in the order in which it is built; taken down the other way round.
struct Store::Parts {
  Parts(StoreOptions options, const StoreHooks& hooks, FolderLock taken, BackupLock backups,
        std::unique_ptr<const RowSeals> row_seals, std::unique_ptr<Connection> opened,
        std::unique_ptr<Connection> checkpoints, BegunOrigin begun)
      : lock(std::move(taken)),
        seals(std::move(row_seals)),
        keys(std::move(options.master_key)),
        files(hooks.files != nullptr ? *hooks.files : real_file_system()),
        health(files, options.data_dir.string()),
        writer(std::move(opened)),
        checkpointer(
            std::move(checkpoints), health, meter, options.logger,
            hooks.log_pages_to_write_back > 0 ? hooks.log_pages_to_write_back : Checkpointer::kPagesToWriteBack),
        backup_watch(std::move(backups), options.backup, health, meter, options.logger),
        readers(options.data_dir / "s3link.db", hooks.sqlite_vfs, *seals),
        origins(std::move(begun.origins)),
        queue(*writer, health, meter, begun.next_number),
        pool(kPoolThreads),
        bodies(files, options.data_dir.string(), queue, health, meter, pool),
        cleaner(bodies, sets, readers, queue, backup_watch),
        context{.queue = queue,
                .readers = readers,
                .files = bodies,
                .sets = sets,
                .cleaner = cleaner,
                .health = health,
                .pool = pool,
                .keys = keys,
                .region = std::move(options.region),
                .max_pending = options.max_pending,
                .quota = std::move(options.quota),
                .now = hooks.now ? hooks.now : system_now},
        buckets(context),
        outbox(context),
        ledger(context),
        deliveries(context),
        dead_letters(context),
        alarms(context),
        access_log_journal(context),
        clock(context),
        statistics(context) {}

  FolderLock lock;
  std::unique_ptr<const RowSeals> seals;
  KeyWrap keys;
  FileSystem& files;
  Health health;
  StoreMeter meter;
  std::unique_ptr<Connection> writer;
  Checkpointer checkpointer;
  BackupWatch backup_watch;
  ReaderPool readers;
  event::Origins origins;
  CommitQueue queue;
  WorkPool pool;
  BodyFiles bodies;
  OpenBodySets sets;
  Cleaner cleaner;
  StoreContext context;
  SqliteBucketStore buckets;
  SqliteOutbox outbox;
  SqliteLedger ledger;
  SqliteDeliveryLog deliveries;
  SqliteDeadLetterQueue dead_letters;
  SqliteAlarmStore alarms;
  SqliteAccessLogJournal access_log_journal;
  SqliteClockStore clock;
  SqliteStatistics statistics;
  std::optional<RestoredFolder> restored = std::nullopt;
};

Result<std::unique_ptr<Store>> Store::open(StoreOptions options) { return open(std::move(options), StoreHooks{}); }

Result<std::unique_ptr<Store>> Store::open(StoreOptions options, const StoreHooks& hooks) {
  if (options.master_key.reveal().size() != kMasterKeyBytes)
    return fail(ErrorKind::invalid_argument, "the master key has not 32 bytes");
  if (const auto made = make_data_dir(options.data_dir); !made) return std::unexpected(made.error());
  auto lock = FolderLock::take(options.data_dir);
  if (!lock) return std::unexpected(lock.error());
  auto backup_lock = BackupLock::open(options.data_dir);
  if (!backup_lock) return std::unexpected(backup_lock.error());

  const fs::path file = options.data_dir / "s3link.db";
  if (const auto there = check_database_is_there(file); !there) return std::unexpected(there.error());
  auto writer = Connection::open(file, Connection::Mode::writer, hooks.sqlite_vfs);
  if (!writer) return std::unexpected(writer.error());
  auto seals = std::make_unique<const RowSeals>(options.master_key);
  if (const auto prepared = prepare_database(**writer, options.master_key, *seals); !prepared)
    return std::unexpected(prepared.error());
  if (const Status written = write_log_back(**writer, *backup_lock, options.logger); !written)
    return std::unexpected(written.error());
  if (const auto released = SqliteOutbox::release_claims(**writer); !released) return std::unexpected(released.error());
  if (const Status right = check_next_number(**writer); !right) return std::unexpected(right.error());
  auto begun = begin_origin(**writer, hooks.now ? hooks.now() : system_now());
  if (!begun) return std::unexpected(begun.error());
  auto checkpoints = Connection::open(file, Connection::Mode::writer, hooks.sqlite_vfs);
  if (!checkpoints) return std::unexpected(checkpoints.error());

  auto parts =
      std::make_unique<Parts>(std::move(options), hooks, std::move(*lock), std::move(*backup_lock), std::move(seals),
                              std::move(*writer), std::move(*checkpoints), std::move(*begun));
  auto restored = parts->bodies.sweep_restored(*parts->writer);
  if (!restored) return std::unexpected(restored.error());
  parts->restored = *restored;
  if (const auto swept = parts->bodies.sweep(*parts->writer); !swept) return std::unexpected(swept.error());

  Parts& p = *parts;
  p.sets.on_release([&p] { p.cleaner.wake(); });
  p.queue.listen({.new_outbox_entry = [&p] { p.outbox.wake(); },
                  .dead_letters_changed =
                      [&p] {
                        p.dead_letters.changed();
                        p.alarms.wake();
                      },
                  .new_garbage = [&p] { p.cleaner.wake(); },
                  .log_grown = [&p](int pages) { p.checkpointer.log_grown(pages); }});
  p.queue.start();
  p.checkpointer.start();
  p.cleaner.start();
  p.cleaner.wake();
  return std::unique_ptr<Store>(new Store(std::move(parts)));
}

Store::Store(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Store::~Store() {
  parts_->cleaner.stop();
  parts_->pool.join();
  parts_->bodies.close_current_folder();
  parts_->queue.stop();
  parts_->checkpointer.stop();
  // When a sync failed, the database file may lack pages that were written and counted as such: they are in the log,
  // and the next start writes all of it back.
  if (parts_->health.refusing()) parts_->writer->keep_log();
}

ports::BucketStore& Store::buckets() noexcept { return parts_->buckets; }
ports::Outbox& Store::outbox() noexcept { return parts_->outbox; }
ports::Ledger& Store::ledger() noexcept { return parts_->ledger; }
ports::DeliveryLog& Store::deliveries() noexcept { return parts_->deliveries; }
ports::DeadLetterQueue& Store::dead_letters() noexcept { return parts_->dead_letters; }
ports::AlarmStore& Store::alarms() noexcept { return parts_->alarms; }
ports::AccessLogJournal& Store::access_log_journal() noexcept { return parts_->access_log_journal; }
ports::ClockStore& Store::clock() noexcept { return parts_->clock; }
ports::StatisticsReader& Store::statistics() noexcept { return parts_->statistics; }
const std::optional<RestoredFolder>& Store::restored() const noexcept { return parts_->restored; }
const event::Origins& Store::origins() const noexcept { return parts_->origins; }
BackupStatus Store::backup_status() const { return parts_->backup_watch.status(); }
const StoreMeter& Store::meter() const noexcept { return parts_->meter; }

Awaitable<Status> Store::outbox_room() {
  co_return parts_->readers.read([this](Connection& db) { return check_outbox_room(db, parts_->context.max_pending); });
}

void Store::ask(std::function<void(Status)> answered) {
  parts_->pool.post([parts = parts_.get(), answered = std::move(answered)] {
    // A disk that is full, or a database that is locked for too long, is an answer.
    (void)parts->queue.run_and_wait([](WriteTransaction&) -> Status { return {}; });
    answered(parts->health.refusing() ? Status(std::unexpected(parts->health.refusal())) : Status());
  });
}

Status Store::room_for_bodies() const { return parts_->health.room_beside_reserve(0); }

void Store::probe(std::function<void(Status)> answered) {
  parts_->pool.post([parts = parts_.get(), answered = std::move(answered)] {
    const bool may_write = !parts->health.refusing() && parts->health.room_beside_reserve(0);
    answered(may_write ? probe_files(parts->bodies, parts->readers) : Status());
  });
}

Store::CommitCounters Store::commit_counters() const noexcept {
  const auto counters = parts_->queue.counters();
  return {
      .transactions = counters.transactions, .requests = counters.requests, .largest_group = counters.largest_group};
}

}  // namespace s3link::sqlite_store
