#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sqlite_store/simulated_disk_test.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {

inline constexpr std::size_t kLarge = 40'000;  ///< bytes of an object whose body is a file
inline constexpr const char* kSubscriber = "admin";

/// S3LINK_DISK_FAULTS=all: not a sample of the faults, but all of them.
bool exhaustive();
/// S3LINK_SEED, or 1.
std::uint64_t base_seed();

/// What a store holds, as its ports show it. Events go by the trace they came with, which stays theirs wherever they
/// are, so that the script can say beforehand what each step changes.
struct Model {
  std::map<std::string, std::string> objects;                      ///< contents, as summary_of()
  std::map<std::string, std::map<unsigned, std::string>> uploads;  ///< parts of each key's upload, as summary_of()
  std::map<std::string, std::multiset<std::string>> events;        ///< "pending 1": with failed attempts
  std::string journal;                                             ///< access log lines that wait; only the size counts
  std::string alarm;                                               ///< state, and what the subscriber has yet to hear

  /// One line for each thing: to compare and to print.
  std::string text() const;
};

/// Size and MD5.
std::string summary_of(std::string_view content);
std::string summary_of(std::uint64_t size, const std::string& md5_hex);

/// Reads everything. Errors: the store's.
Result<Model> read_model(Store& store);

/// One thing that is done to the store: all of it is there or nothing, and once `run` has succeeded, all of it.
struct Step {
  std::string name;
  std::function<Status(Store&)> run;
  std::function<void(Model&)> change;
};

/// What a step may do beside: time passes, the process ends and another begins.
enum class Turn { step, clock, restart, written_back };
struct ScriptLine {
  Turn turn = Turn::step;
  std::vector<Step> steps;  ///< of a step; several: at the same time
  Instant now{};            ///< of the clock
};

/// An object with its event, put by one request.
Step put_step(std::string key, std::string trace, std::string content, std::optional<Instant> removed_at = {});

/// The script every test plays: objects of all sizes put, replaced, copied and deleted, multipart uploads, events
/// claimed, delivered, given up, redriven and dropped, access logs, an alarm, objects that expire.
std::vector<ScriptLine> script();
/// When it begins, and when whatever it puts with a removal time is gone.
Instant script_start();
Instant script_end();

/// A store over the disk with the time the script says it is.
class ScriptedStore {
 public:
  explicit ScriptedStore(SimulatedDisk& disk, std::filesystem::path folder)
      : disk_(disk), folder_(std::move(folder)), now_(script_start()) {}

  Status open();
  /// As a process that is killed: nothing of what it does at its end reaches the disk.
  void kill();
  void close() { store_.reset(); }
  bool is_open() const noexcept { return store_ != nullptr; }
  Store& operator*() const { return *store_; }
  Store* operator->() const { return store_.get(); }
  void set_now(Instant now) { now_ = now; }
  Instant now() const { return now_; }

 private:
  SimulatedDisk& disk_;
  const std::filesystem::path folder_;
  std::atomic<Instant> now_;
  std::unique_ptr<Store> store_;
};

/// The script, played over a disk that may fail. What is expected of each step is checked as it goes.
class Session {
 public:
  struct Options {
    bool wait_for_write_back = false;  ///< else the log is written back whenever it is
    bool kill_when_refusing = false;   ///< how the process ends when its store takes no more writes; else it closes
    bool fault_lasts = false;          ///< then it is over only when the disk is repaired
  };
  Session(SimulatedDisk& disk, std::filesystem::path folder, Options options)
      : disk_(disk), options_(options), store_(disk, std::move(folder)) {}

  /// Called after each step that was acknowledged.
  void on_acknowledged(std::function<void(std::size_t line, std::size_t step)> told) { told_ = std::move(told); }
  void run(const std::vector<ScriptLine>& lines);
  /// What is left to do when there was no room: the disk is repaired, and the same store must take writes again.
  void check_takes_writes_again();

  /// Texts of the models of which one is true: several where a commit failed and nobody knows.
  std::set<std::string> possible() const;
  Instant now() const { return store_.now(); }
  std::size_t refused() const noexcept { return refused_; }
  std::size_t restarts() const noexcept { return restarts_; }
  ScriptedStore& store() noexcept { return store_; }

 private:
  void play(const ScriptLine& line, std::size_t number);
  void judge(const Step& step, const Status& done, bool was_refusing);
  void restart(bool kill);
  bool refusing() const;

  SimulatedDisk& disk_;
  const Options options_;
  ScriptedStore store_;
  std::function<void(std::size_t, std::size_t)> told_ = [](std::size_t, std::size_t) {};
  std::vector<Model> possible_{Model{}};
  std::size_t refused_ = 0;
  std::size_t restarts_ = 0;
};

/// What the clock takes from a model.
void expire(Model& model);

/// Opens what a power cut left, and expects: what it holds is one of `possible`; every event is in one place and can be
/// claimed; what has expired can be removed; no file is left over, none is missing; it takes writes; SQLite finds the
/// database whole. Returns the text of what was there.
/// With `second_cut` the power fails again while that is done, at a place it chooses.
std::string check_recovered(const std::filesystem::path& folder, const std::set<std::string>& possible, Instant now,
                            std::optional<std::uint64_t> second_cut = std::nullopt);

}  // namespace s3link::sqlite_store
