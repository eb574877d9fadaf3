#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "apps/s3link/configuration.hpp"

namespace CLI {
class App;
}

namespace s3link::app {

struct DlqOptions {
  ClientOptions client;
  std::vector<std::int64_t> ids;
  bool all = false;
  std::string reason;  ///< empty: any
  std::size_t limit = 100;
  bool json = false;
};

/// Declares `s3link dlq list|show|redrive|drop`. What the parser found is left in `options` and `chosen`, which returns
/// the exit status; both must outlive `app`.
void declare_dlq(CLI::App& app, DlqOptions& options, std::function<int()>& chosen);

/// The dead letters, newest first, with reasons.
int list_dead_letters(const DlqOptions& options);
/// The one of ids[0] with all that is known of it.
int show_dead_letter(const DlqOptions& options);
/// Puts the named, all, or those of one reason back into the outbox; fails when one is refused, and says why.
int redrive_dead_letters(const DlqOptions& options);
/// Gives them up for good; fails when one was not there.
int drop_dead_letters(const DlqOptions& options);

}  // namespace s3link::app
