#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/s3link/backup.hpp"
#include "apps/s3link/config_command.hpp"
#include "apps/s3link/deliveries.hpp"
#include "apps/s3link/dlq.hpp"
#include "apps/s3link/doctor.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/key.hpp"
#include "apps/s3link/objects.hpp"
#include "apps/s3link/presign.hpp"
#include "apps/s3link/process.hpp"
#include "apps/s3link/send.hpp"
#include "apps/s3link/serve.hpp"
#include "core/config/keys.hpp"

namespace s3link::app {
namespace {

constexpr const char* kExamples =
    "Examples:\n"
    "  s3link serve                                 serve ./data on 127.0.0.1:9000, write mails to ./data/outbox\n"
    "  s3link send --wait report.pdf                upload, and show the mail that resulted\n"
    "  tar c photos | s3link send - --key photos.tar\n"
    "  s3link presign report.pdf --expires 2h       a link for someone else\n"
    "  s3link dlq list                              what could not be mailed, and why\n"
    "  s3link backup /mnt/backup/s3link             a copy of everything, while the server runs\n"
    "  s3link config init > s3link.toml             every setting with its meaning\n"
    "  s3link doctor                                relay, DNS records, public URL, clock, disk: what is wrong\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong use or configuration, 130 interrupted.\n"
    "Settings come from flags, S3LINK_<SECTION>_<KEY> variables, a file (--config, $S3LINK_CONFIG), defaults.";

/// The commands' options; what the parser found is run afterwards.
struct Commands {
  ConfigOptions serve, check, show;
  SendOptions send;
  PresignOptions presign;
  ListOptions list;
  RemoveOptions remove;
  DeliveriesOptions deliveries;
  DlqOptions dlq;
  BackupOptions backup;
  KeyOptions key;
  DoctorOptions doctor;
  bool show_json = false;
  std::function<int()> chosen;
};

void declare_serve(CLI::App& app, Commands& commands) {
  CLI::App* const command = app.add_subcommand("serve", "Run the bucket and its pipeline");
  add_config_options(*command, commands.serve);
  command->add_option("-l,--listen", commands.serve.listen, "Address and port, port 0 for any free one (server.listen)")
      ->type_name("HOST:PORT");
  command->footer(
      "Examples:\n"
      "  s3link serve                                 ./data on 127.0.0.1:9000, mails to ./data/outbox\n"
      "  s3link serve --config /etc/s3link/s3link.toml\n"
      "  S3LINK_EMAIL_TRANSPORT=smtp://relay.example.org:25 s3link serve --listen 0.0.0.0:9000");
  command->callback([&] { commands.chosen = [&] { return serve(commands.serve); }; });
}

void declare_presign(CLI::App& app, Commands& commands) {
  PresignOptions& options = commands.presign;
  CLI::App* const command = app.add_subcommand("presign", "Print a presigned URL, computed locally");
  add_client_options(*command, options.client);
  command->add_option("key", options.key, "The object")->required()->type_name("KEY");
  command->add_option("-e,--expires", options.expires, "How long it works, 1s to 7d; default: link.expiration")
      ->type_name("DURATION");
  command->add_option("-m,--method", options.method, "GET to fetch, PUT to upload")
      ->type_name("GET|PUT")
      ->check(CLI::IsMember({"GET", "PUT"}));
  command->footer(
      "Examples:\n"
      "  s3link presign report.pdf --expires 2h       a link for somebody else\n"
      "  s3link presign in/report.pdf --method PUT    curl -T report.pdf URL uploads with it");
  command->callback([&] { commands.chosen = [&] { return presign(options); }; });
}

void declare_objects(CLI::App& app, Commands& commands) {
  CLI::App* const list = app.add_subcommand("ls", "List objects with size, age and removal date");
  add_client_options(*list, commands.list.client);
  list->add_option("prefix", commands.list.prefix, "Only keys that begin with it")->type_name("PREFIX");
  list->add_flag("--json", commands.list.json, "Print the list as JSON");
  list->footer(
      "Examples:\n"
      "  s3link ls                                    all\n"
      "  s3link ls 2026/ --json                       those below 2026/, for programs");
  list->callback([&] { commands.chosen = [&] { return list_objects(commands.list); }; });

  CLI::App* const remove = app.add_subcommand("rm", "Remove objects; their links stop working");
  add_client_options(*remove, commands.remove.client);
  remove->add_option("keys", commands.remove.keys, "The objects")->required()->type_name("KEY");
  remove->footer(
      "Example:\n"
      "  s3link rm report.pdf 2026/holiday.mp4");
  remove->callback([&] { commands.chosen = [&] { return remove_objects(commands.remove); }; });
}

void declare_config(CLI::App& app, Commands& commands) {
  CLI::App* const config = app.add_subcommand("config", "Write, check or show the configuration");
  config->require_subcommand(1);
  constexpr const char* kConfigExamples =
      "Examples:\n"
      "  s3link config init > s3link.toml             every setting with its meaning\n"
      "  s3link config check --config s3link.toml     everything that is wrong, at once\n"
      "  s3link config show --config s3link.toml      what is in force, and where it comes from";
  config->footer(kConfigExamples);
  CLI::App* const init = config->add_subcommand("init", "Print the whole configuration file with comments");
  init->footer(kConfigExamples);
  init->callback([&] { commands.chosen = print_config_file; });
  CLI::App* const check = config->add_subcommand("check", "List every problem of the configuration");
  add_config_options(*check, commands.check);
  check->footer(kConfigExamples);
  check->callback([&] { commands.chosen = [&] { return check_config(commands.check); }; });
  CLI::App* const show = config->add_subcommand("show", "Show every setting with its source, secrets masked");
  add_config_options(*show, commands.show);
  show->add_flag("--json", commands.show_json, "Print them as JSON");
  show->footer(kConfigExamples);
  show->callback([&] { commands.chosen = [&] { return show_config(commands.show, commands.show_json); }; });
}

/// A command that there is not; said before the parser takes a --help behind it for our own.
std::optional<int> refuse_unknown_command(const CLI::App& app, const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0].starts_with('-')) return std::nullopt;
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  if (std::ranges::find(names, arguments[0]) != names.end()) return std::nullopt;
  const auto meant = config::closest(arguments[0], names);
  return complain(kWrongUse,
                  fmt::format("unknown command {}; {}", arguments[0],
                              meant ? fmt::format("did you mean {}?", *meant) : "s3link --help lists the commands"));
}

/// One line for what the parser did not like.
int wrong_use(const std::vector<std::string>& arguments, const CLI::ParseError& error) {
  if (!arguments.empty() && arguments[0].starts_with('-')) {
    return complain(kWrongUse, fmt::format("unknown option {}; see s3link --help", arguments[0]));
  }
  std::string message = error.what();
  std::ranges::replace(message, '\n', ' ');
  return complain(kWrongUse,
                  fmt::format("{}; see s3link {}--help", message, arguments.empty() ? "" : arguments[0] + " "));
}

/// "help send" is "send --help", "version" is "--version".
std::vector<std::string> spell_out(std::vector<std::string> arguments) {
  if (arguments.empty()) return arguments;
  if (arguments[0] == "help") {
    arguments.erase(arguments.begin());
    arguments.emplace_back("--help");
  } else if (arguments.size() == 1 && arguments[0] == "version") {
    arguments[0] = "--version";
  }
  return arguments;
}

int run(int argc, char** argv) {
  CLI::App app("A bucket that mails links: files put into it through the S3 API are mailed as links that expire.");
  app.name("s3link");
  app.footer(kExamples);
  app.set_version_flag("-V,--version", "s3link " S3LINK_VERSION);
  app.require_subcommand(1);
  Commands commands;
  declare_serve(app, commands);
  declare_send(app, commands.send, commands.chosen);
  declare_presign(app, commands);
  declare_objects(app, commands);
  declare_deliveries(app, commands.deliveries, commands.chosen);
  declare_dlq(app, commands.dlq, commands.chosen);
  declare_backup(app, commands.backup, commands.chosen);
  declare_key(app, commands.key, commands.chosen);
  declare_config(app, commands);
  declare_doctor(app, commands.doctor, commands.chosen);
  app.add_subcommand("help", "Print how a command is used: help [COMMAND]");
  app.add_subcommand("version", "Print the version");
  const std::vector<std::string> arguments = spell_out({argv + 1, argv + argc});
  if (const auto refused = refuse_unknown_command(app, arguments)) return *refused;
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // taken from the end
  } catch (const CLI::Success& success) {                                       // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return wrong_use(arguments, error);
  }
  return commands.chosen();
}

}  // namespace
}  // namespace s3link::app

int main(int argc, char** argv) {
  s3link::app::harden_process();
  try {
    return s3link::app::finish_output(s3link::app::run(argc, argv));
  } catch (const std::exception& error) {
    // fmt throws when standard output takes no more.
    if (std::ferror(stdout) != 0) return s3link::app::finish_output(s3link::app::kFailed);
    return s3link::app::complain(s3link::app::kFailed, fmt::format("internal error: {}", error.what()));
  }
}
