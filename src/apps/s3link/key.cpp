#include "apps/s3link/key.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>

#include "adapters/sqlite_store/key_rotation.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/progress_note.hpp"
#include "apps/s3link/wording.hpp"

namespace s3link::app {
namespace {

constexpr const char* kNotes =
    "Without --access the master key, which encrypts what is stored. The server must be stopped. Every object's data "
    "key\n"
    "is wrapped with a new master key; the objects themselves are not written anew, so a million of them take half a\n"
    "minute. Broken off, even by a power cut, the folder stays good: the next `s3link serve` or `s3link key rotate` "
    "ends\n"
    "what was begun. The old key is overwritten. Backups made before can be read with the old key only: keep your copy "
    "of\n"
    "it as long as you keep them, and make a new backup and a new copy of the key now.\n"
    "\n"
    "With --access the access key, which clients and links are signed with. The server may run: it takes the new key "
    "over\n"
    "at once, and mails its next links with it. The old key is good for --keep-old more, by default as long as a "
    "mailed\n"
    "link lives (link.expiration); then every link and presigned URL that it signed ends, also those that were made "
    "for\n"
    "longer. With --keep-old 0 they end now: for a key that somebody else has got hold of.\n"
    "\n"
    "Examples:\n"
    "  systemctl stop s3link && s3link key rotate && systemctl start s3link\n"
    "  s3link key rotate --access                   the old key works for link.expiration\n"
    "  s3link key rotate --access --keep-old 7d     time to bring it to every client\n"
    "  s3link key rotate --access --keep-old 0      the old key is in wrong hands";

}  // namespace

void declare_key(CLI::App& app, KeyOptions& options, std::function<int()>& chosen) {
  CLI::App* const key = app.add_subcommand("key", "Change the master key or the access key");
  key->require_subcommand(1);
  key->footer(kNotes);
  CLI::App* const rotate = key->add_subcommand("rotate", "Put everything stored under a new key");
  add_config_options(*rotate, options.config);
  CLI::Option* const access = rotate->add_flag("--access", options.access, "The access key instead of the master key");
  rotate
      ->add_option("--keep-old", options.keep_old,
                   "How long the old access key stays good, 0 to 90d; default: "
                   "link.expiration")
      ->type_name("DURATION")
      ->needs(access);
  rotate->footer(kNotes);
  rotate->callback(
      [&] { chosen = [&] { return options.access ? rotate_access_key(options) : rotate_master_key(options); }; });
}

int rotate_master_key(const KeyOptions& options) {
  const auto loaded = load_sections(options.config, {"server", "auth"});
  if (!loaded) return report_problems(loaded.error());
  const config::Settings& settings = loaded->settings;
  // `s3link key rotate --access` takes whoever has the folder for the server; and a terminal that goes away breaks
  // nothing off.
  std::signal(SIGHUP, SIG_IGN);
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
    fmt::print("{} put under a new master key, which is in {}\n", counted(report->data_keys, "data key"), file);
  }
  if (report->unreadable > 0) {
    complain(kDone, fmt::format("{} did not open under the old key either, and stayed as they were: those objects are "
                                "damaged",
                                counted(report->unreadable, "data key")));
  }
  fmt::print("copy it to where you keep the old one; backups made before now need the old one\n");
  return kDone;
}

}  // namespace s3link::app
