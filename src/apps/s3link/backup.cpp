#include "apps/s3link/backup.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include <CLI/CLI.hpp>

#include "adapters/sqlite_store/backup.hpp"
#include "adapters/sqlite_store/backup_verify.hpp"
#include "adapters/sqlite_store/master_key_file.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/progress_note.hpp"
#include "apps/s3link/wording.hpp"

namespace s3link::app {
namespace {

constexpr const char* kNotes =
    "The server may run meanwhile, on this machine. The backup holds everything that was acknowledged before it "
    "began,\n"
    "as of one moment. Repeated into the same DIR it copies only what is new, and drops what is gone; broken off, the\n"
    "one before stays good. A backup whose disk does not answer for backup.max_pause is broken off, and ends with 1.\n"
    "\n"
    "Two secrets are not in it: DATA_DIR/master.key, without which nobody can read the backup, and\n"
    "DATA_DIR/credentials, which signs the links that were mailed. Keep copies of both elsewhere.\n"
    "\n"
    "--verify opens and decrypts every file of a backup, which takes the master key of the data folder, and ends with "
    "1\n"
    "after telling what is damaged. It changes nothing.\n"
    "\n"
    "To restore: copy s3link.db and objects/ into a new folder, add master.key and credentials, start s3link serve.\n"
    "\n"
    "Example:\n"
    "  s3link backup /mnt/backup/s3link\n"
    "  s3link backup --verify /mnt/backup/s3link";

void report_in_words(const sqlite_store::BackupReport& report, const std::string& target) {
  fmt::print("backed up to {}: database {}, {} ({} new, {}; {} removed)\n", target,
             size_in_words(report.database_bytes), counted(report.files, "file"), report.copied_files,
             size_in_words(report.copied_bytes), report.removed_files);
}

}  // namespace

void declare_backup(CLI::App& app, BackupOptions& options, std::function<int()>& chosen) {
  CLI::App* const command = app.add_subcommand("backup", "Copy the data folder while the server runs");
  add_config_options(*command, options.config);
  command->add_option("target", options.target, "Where to; empty or missing, or the backup made before")
      ->required()
      ->type_name("DIR");
  command->add_flag("--verify", options.verify, "Make none: read the one in DIR and tell what is damaged");
  command->footer(kNotes);
  command->callback([&] { chosen = [&] { return options.verify ? verify_backup(options) : back_up(options); }; });
}

int back_up(const BackupOptions& options) {
  const auto loaded = load_sections(options.config, {"server", "auth", "backup"});
  if (!loaded) return report_problems(loaded.error());
  const config::Settings& settings = loaded->settings;
  ProgressNote note;
  const auto show = [&](const char* what, std::uint64_t done, std::uint64_t total) {
    if (note.due()) note.show(fmt::format("{}: {} of {}", what, done, total));
  };
  const auto report = sqlite_store::back_up(
      {.data_dir = settings.server.data_dir,
       .target = options.target,
       .bounds = {.max_pause = settings.backup.max_pause, .max_time = settings.backup.max_time}},
      {.database = [&](std::uint64_t done, std::uint64_t total) { show("database pages", done, total); },
       .bodies = [&](std::uint64_t done, std::uint64_t total) { show("files", done, total); },
       // The thread that copies may never come back from a call to the target's disk.
       .stuck = [](const Error& why) { std::_Exit(complain(kFailed, why.message)); }});
  note.clear();
  if (!report) return complain(kFailed, report.error().message);
  report_in_words(*report, options.target);
  if (report->damaged_files == 0) return kDone;
  return complain(kFailed,
                  fmt::format("the backup is made, but {} of the files are damaged in the data folder: missing, "
                              "or not as long as they should be",
                              report->damaged_files));
}

int verify_backup(const BackupOptions& options) {
  const auto loaded = load_configuration(options.config);
  if (!loaded) return report_problems(loaded.error());
  const auto master_key = sqlite_store::read_master_key_file(loaded->settings.auth.master_key_file);
  if (!master_key) return complain(kFailed, master_key.error().message);
  ProgressNote note;
  const auto report = sqlite_store::verify_backup(options.target, *master_key,
                                                  {.bodies =
                                                       [&](std::uint64_t done, std::uint64_t total) {
                                                         if (note.due())
                                                           note.show(fmt::format("bodies: {} of {}", done, total));
                                                       },
                                                   .damaged =
                                                       [&](const sqlite_store::BackupDamage& damage) {
                                                         note.clear();
                                                         fmt::print("damaged: {}: {}\n", printable(damage.where),
                                                                    printable(damage.what));
                                                       }});
  note.clear();
  if (!report) return complain(kFailed, report.error().message);
  if (report->damages > 0)
    return complain(kFailed, fmt::format("{} things in {} are damaged", report->damages, options.target));
  if (report->later_one_broken_off)
    complain(kDone, fmt::format("a later backup into {} did not end: this is the one before it; run it again",
                                options.target));
  fmt::print("{} is whole: {} bodies, {}\n", options.target, report->bodies, size_in_words(report->bytes));
  return kDone;
}

}  // namespace s3link::app
