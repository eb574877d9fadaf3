#include "services/pipeline/pipeline_metrics.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "services/pipeline/delivery_tally.hpp"
#include "services/pipeline/sweep_tally.hpp"

namespace s3link::pipeline {
namespace {

std::map<std::string, double> by_label(const metrics::Family& family) {
  std::map<std::string, double> out;
  for (const auto& sample : family.samples) out[sample.labels.empty() ? "" : sample.labels.at(0).value] = sample.value;
  return out;
}

TEST(PipelineMetricsTest, EveryOutcomeIsThereFromTheStart) {
  DeliveryTally tally;
  EXPECT_EQ(by_label(delivery_family(tally)),
            (std::map<std::string, double>{
                {"delivered", 0}, {"retried", 0}, {"dead", 0}, {"dropped", 0}, {"unrecorded", 0}}));
  tally.delivered = 1;
  tally.retried = 2;
  tally.dead = 3;
  tally.dropped = 4;
  tally.unrecorded = 5;
  EXPECT_EQ(by_label(delivery_family(tally)),
            (std::map<std::string, double>{
                {"delivered", 1}, {"retried", 2}, {"dead", 3}, {"dropped", 4}, {"unrecorded", 5}}));
}

TEST(PipelineMetricsTest, TheRelaysState) {
  delivery::RelayStatus status;
  status.phase = delivery::RelayPhase::paused;
  status.login_refused = true;
  status.next_probe = from_unix_ms(1'500);
  status.connections = 1;
  const auto families = relay_families(status);
  std::map<std::string, std::map<std::string, double>> found;
  for (const auto& family : families) found[family.name] = by_label(family);
  EXPECT_EQ(found, (std::map<std::string, std::map<std::string, double>>{
                       {"s3link_relay_state", {{"open", 0}, {"throttled", 0}, {"paused", 1}}},
                       {"s3link_relay_trouble", {{"away", 0}, {"asks for less", 0}, {"login refused", 1}}},
                       {"s3link_relay_next_probe_timestamp_seconds", {{"", 1.5}}},
                       {"s3link_relay_connections", {{"", 1}}}}));
}

TEST(PipelineMetricsTest, WhatTheClockIsTakenFor) {
  EXPECT_EQ(by_label(clock_family({})), (std::map<std::string, double>{{"plausible", 1}, {"behind", 0}, {"ahead", 0}}));
  EXPECT_EQ(by_label(clock_family({.state = delivery::ClockState::ahead})),
            (std::map<std::string, double>{{"plausible", 0}, {"behind", 0}, {"ahead", 1}}));
}

TEST(PipelineMetricsTest, TheSweepersNumbers) {
  SweepTally tally;
  tally.removed_objects = 7;
  tally.aborted_uploads = 2;
  tally.runs = 5;
  tally.failed_runs = 1;
  tally.last_run_unix_ms = 1'500;
  const auto families = sweep_families(tally);
  std::map<std::string, std::map<std::string, double>> found;
  for (const auto& family : families) found[family.name] = by_label(family);
  EXPECT_EQ(found, (std::map<std::string, std::map<std::string, double>>{
                       {"s3link_sweeper_removed_objects_total", {{"", 7}}},
                       {"s3link_sweeper_aborted_uploads_total", {{"", 2}}},
                       {"s3link_sweeper_runs_total", {{"done", 5}, {"failed", 1}}},
                       {"s3link_sweeper_last_run_timestamp_seconds", {{"", 1.5}}}}));
}

}  // namespace
}  // namespace s3link::pipeline
