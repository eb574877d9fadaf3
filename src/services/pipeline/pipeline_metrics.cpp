#include "services/pipeline/pipeline_metrics.hpp"

#include <atomic>
#include <cstdint>

#include "services/pipeline/dead_letter_retention.hpp"
#include "services/pipeline/delivery_tally.hpp"
#include "services/pipeline/redrive.hpp"
#include "services/pipeline/sweep_tally.hpp"

namespace s3link::pipeline {
namespace {

using metrics::Kind;
using metrics::labelled;

double number(const std::atomic<std::uint64_t>& count) {
  return static_cast<double>(count.load(std::memory_order_relaxed));
}

}  // namespace

metrics::Family delivery_family(const DeliveryTally& tally) {
  return {.name = "s3link_deliveries_total",
          .help =
              "Attempts to deliver an event, by outcome: delivered, retried (failed, to be tried again), dead (given "
              "up), dropped (nothing to be mailed), unrecorded (the store did not take the outcome).",
          .kind = Kind::counter,
          .samples = {labelled("outcome", "delivered", number(tally.delivered)),
                      labelled("outcome", "retried", number(tally.retried)),
                      labelled("outcome", "dead", number(tally.dead)),
                      labelled("outcome", "dropped", number(tally.dropped)),
                      labelled("outcome", "unrecorded", number(tally.unrecorded))}};
}

metrics::Families relay_families(const delivery::RelayStatus& status) {
  using delivery::RelayPhase;
  metrics::Family phases{.name = "s3link_relay_state",
                         .help =
                             "1 for the state the relay of the link mails is in, else 0: open, throttled (it asked for "
                             "less), paused (away, or it refuses the login; one mail is tried at a time).",
                         .kind = Kind::gauge,
                         .samples = {}};
  for (const RelayPhase phase : {RelayPhase::open, RelayPhase::throttled, RelayPhase::paused}) {
    phases.samples.push_back(labelled("state", std::string(to_string(phase)), phase == status.phase ? 1 : 0));
  }
  metrics::Family troubles{.name = "s3link_relay_trouble",
                           .help = "1 for why the relay is not open, else 0: away, asks for less, login refused.",
                           .kind = Kind::gauge,
                           .samples = {}};
  for (const char* const name : {"away", "asks for less", "login refused"}) {
    troubles.samples.push_back(labelled("reason", name, delivery::trouble(status) == name ? 1 : 0));
  }
  const auto probe = status.next_probe ? static_cast<double>(to_unix_ms(*status.next_probe)) / 1000 : 0;
  return {std::move(phases), std::move(troubles),
          metrics::gauge("s3link_relay_next_probe_timestamp_seconds",
                         "When a paused relay is tried next, in Unix time; 0: now, or it is not paused.", probe),
          metrics::gauge("s3link_relay_connections",
                         "Mails that may be handed to the relay at a time (email.max_connections, or less).",
                         status.connections)};
}

metrics::Family clock_family(const delivery::ClockStatus& status) {
  using delivery::ClockState;
  metrics::Family states{
      .name = "s3link_clock_state",
      .help =
          "1 for what the machine's clock is taken for, else 0: plausible, behind (before what is in "
          "the database: mails wait), ahead (it jumped: what is due by the jump is not removed).",
      .kind = Kind::gauge,
      .samples = {}};
  for (const ClockState state : {ClockState::plausible, ClockState::behind, ClockState::ahead}) {
    states.samples.push_back(labelled("state", std::string(to_string(state)), state == status.state ? 1 : 0));
  }
  return states;
}

metrics::Families sweep_families(const SweepTally& tally) {
  const auto last_run = static_cast<double>(tally.last_run_unix_ms.load(std::memory_order_relaxed)) / 1000;
  return {metrics::counter("s3link_sweeper_removed_objects_total", "Objects removed because their time was over.",
                           number(tally.removed_objects)),
          metrics::counter("s3link_sweeper_aborted_uploads_total", "Incomplete multipart uploads given up.",
                           number(tally.aborted_uploads)),
          {.name = "s3link_sweeper_runs_total",
           .help = "Runs of the sweeper, by result: done, failed (an error of the store).",
           .kind = Kind::counter,
           .samples = {labelled("result", "done", number(tally.runs)),
                       labelled("result", "failed", number(tally.failed_runs))}},
          metrics::gauge("s3link_sweeper_last_run_timestamp_seconds",
                         "When the sweeper last did all there was to do, in Unix time; 0: not yet.", last_run)};
}

metrics::Family removed_dead_letters_family(const DeadLetterRetention& retention, const Redrive& redrive) {
  return {.name = "s3link_dead_letters_removed_total",
          .help =
              "Dead letters that are none any more, by what happened: redriven, dropped (by an operator), retention "
              "(too old).",
          .kind = Kind::counter,
          .samples = {labelled("how", "redriven", static_cast<double>(redrive.redriven())),
                      labelled("how", "dropped", static_cast<double>(redrive.dropped())),
                      labelled("how", "retention", static_cast<double>(retention.dropped()))}};
}

}  // namespace s3link::pipeline
