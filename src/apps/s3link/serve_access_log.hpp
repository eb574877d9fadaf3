#pragma once

#include "core/config/settings.hpp"
#include "ports/access_log_journal.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"
#include "ports/random.hpp"
#include "services/server/access_log.hpp"
#include "services/server/access_log_writer.hpp"

namespace s3link::app {

/// The access log of `serve`: `log` observes the API, `writer` runs with the pipeline. The references must outlive it.
struct ServedAccessLog {
  ServedAccessLog(const config::Settings& settings, ports::AccessLogJournal& journal, ports::Clock& clock,
                  ports::Random& random, ports::Logger& logger)
      : log({.bucket = settings.bucket.name,
             .region = settings.server.region,
             .domain = settings.server.domain,
             .max_bytes = settings.access_log.max_bytes,
             .object_ttl = settings.access_log.object_ttl}),
        writer({.logs_bucket = settings.bucket.logs_name,
                .flush_interval = settings.access_log.flush_interval,
                .object_ttl = settings.access_log.object_ttl,
                .max_bytes = settings.access_log.max_bytes},
               log, journal, clock, random, logger) {}

  server::AccessLog log;
  server::AccessLogWriter writer;
};

}  // namespace s3link::app
