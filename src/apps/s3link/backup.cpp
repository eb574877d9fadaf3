#include "apps/s3link/backup.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "adapters/sqlite_store/backup.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/progress_note.hpp"
#include "apps/s3link/wording.hpp"

namespace s3link::app {
namespace {

constexpr const char* kNotes =
    "The server may run meanwhile, on this machine. The backup holds everything that was acknowledged before it "
    "began,\n"
    "as of one moment. Repeated into the same DIR it copies only what is new, and drops what is gone; broken off, the\n"
    "one before stays good.\n"
    "\n"
    "Two secrets are not in it: DATA_DIR/master.key, without which nobody can read the backup, and\n"
    "DATA_DIR/credentials, which signs the links that were mailed. Keep copies of both elsewhere.\n"
    "\n"
    "To restore: copy s3link.db and objects/ into a new folder, add master.key and credentials, start s3link serve.\n"
    "\n"
    "Example:\n"
    "  s3link backup /mnt/backup/s3link";

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
  command->footer(kNotes);
  command->callback([&] { chosen = [&] { return back_up(options); }; });
}

int back_up(const BackupOptions& options) {
  const auto loaded = load_sections(options.config, {"server", "auth"});
  if (!loaded) return report_problems(loaded.error());
  ProgressNote note;
  const auto show = [&](const char* what, std::uint64_t done, std::uint64_t total) {
    if (note.due()) note.show(fmt::format("{}: {} of {}", what, done, total));
  };
  const auto report = sqlite_store::back_up(
      {.data_dir = loaded->settings.server.data_dir, .target = options.target},
      {.database = [&](std::uint64_t done, std::uint64_t total) { show("database pages", done, total); },
       .bodies = [&](std::uint64_t done, std::uint64_t total) { show("files", done, total); }});
  note.clear();
  if (!report) return complain(kFailed, report.error().message);
  report_in_words(*report, options.target);
  if (report->damaged_files == 0) return kDone;
  return complain(kFailed,
                  fmt::format("the backup is made, but {} of the files are damaged in the data folder: missing, "
                              "or not as long as they should be",
                              report->damaged_files));
}

}  // namespace s3link::app
