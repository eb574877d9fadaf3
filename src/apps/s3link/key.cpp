#include "apps/s3link/key.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "adapters/sqlite_store/key_rotation.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/progress_note.hpp"

namespace s3link::app {
namespace {

constexpr const char* kNotes =
    "The server must be stopped. Every object's data key is wrapped with a new master key; the objects themselves are\n"
    "not written anew, so a million of them take half a minute. Broken off, even by a power cut, the folder stays\n"
    "good: the next `s3link serve` or `s3link key rotate` ends what was begun.\n"
    "\n"
    "The old key is overwritten. Backups made before can be read with the old key only: keep your copy of it as long "
    "as\n"
    "you keep them, and make a new backup and a new copy of the key now.\n"
    "\n"
    "Example:\n"
    "  systemctl stop s3link && s3link key rotate && systemctl start s3link";

std::string in_words(std::uint64_t count) { return fmt::format("{} data key{}", count, count == 1 ? "" : "s"); }

}  // namespace

void declare_key(CLI::App& app, KeyOptions& options, std::function<int()>& chosen) {
  CLI::App* const key = app.add_subcommand("key", "Change the master key");
  key->require_subcommand(1);
  key->footer(kNotes);
  CLI::App* const rotate = key->add_subcommand("rotate", "Put everything stored under a new master key");
  add_config_options(*rotate, options.config);
  rotate->footer(kNotes);
  rotate->callback([&] { chosen = [&] { return rotate_key(options); }; });
}

int rotate_key(const KeyOptions& options) {
  const auto loaded = load_configuration(options.config);
  if (!loaded) return report_problems(loaded.error());
  const config::Settings& settings = loaded->settings;
  ProgressNote note;
  const auto report =
      sqlite_store::rotate_master_key({.data_dir = settings.server.data_dir, .key_file = settings.auth.master_key_file},
                                      {.progress = [&](std::uint64_t done, std::uint64_t total) {
                                        if (note.due()) note.show(fmt::format("{} of {} data keys", done, total));
                                      }});
  note.clear();
  if (!report) {
    const bool in_use = report.error().kind == ErrorKind::conflict;
    return complain(kFailed, report.error().message + (in_use ? "; stop it first" : ""));
  }
  const std::string file = settings.auth.master_key_file.string();
  if (report->finished_earlier) {
    fmt::print("the change of the master key that was broken off is finished; the key is in {}\n", file);
  } else {
    fmt::print("{} put under a new master key, which is in {}\n", in_words(report->data_keys), file);
  }
  if (report->unreadable > 0) {
    complain(kDone, fmt::format("{} did not open under the old key either, and stayed as they were: those objects are "
                                "damaged",
                                in_words(report->unreadable)));
  }
  fmt::print("copy it to where you keep the old one; backups made before now need the old one\n");
  return kDone;
}

}  // namespace s3link::app
