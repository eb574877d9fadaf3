#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/config/settings.hpp"
#include "ports/clock.hpp"
#include "ports/mail_sender.hpp"
#include "services/server/api_document.hpp"
#include "services/server/request_observer.hpp"

namespace s3link::http_server {
class Server;
}
namespace s3link::pipeline {
class ClockGuard;
class DeadLetterRetention;
class Dispatcher;
class LifecycleSweeper;
class Redrive;
class RelayGate;
class StorageWatch;
}  // namespace s3link::pipeline
namespace s3link::server {
class AccessLog;
}
namespace s3link::sqlite_store {
class Store;
}
namespace s3link::system {
class QueuedLogger;
}

namespace s3link::app {

class ServeTraces;

/// The metrics of `s3link serve`: what counts the requests and the mails, and GET /_/metrics, which puts them together
/// with what the other parts count themselves. The store is asked when a reader comes, on a thread of the store's;
/// where it cannot be read, the rest is served, and s3link_scrape_failed is 1.
class ServeMetrics {
 public:
  /// What is read besides what watch() names.
  struct Sources {
    sqlite_store::Store& store;
    const pipeline::Redrive& redrive;
    const server::AccessLog& access_log;
    const ServeTraces& traces;
    const system::QueuedLogger& log;
    pipeline::ClockGuard& clock_guard;
    const pipeline::StorageWatch& storage;
  };
  /// `links` carries the link mails; `document_paths`: of the other documents. The references must outlive it.
  ServeMetrics(const config::Settings& settings, Sources sources, ports::MailSender& links, ports::Clock& clock,
               std::vector<std::string_view> document_paths);
  ServeMetrics(const ServeMetrics&) = delete;
  ServeMetrics& operator=(const ServeMetrics&) = delete;
  ~ServeMetrics();

  server::RequestObserver& observer();
  server::ApiDocument& document();
  /// What counts the link mails, and hands them on.
  ports::MailSender& sender();

  /// What is made after the API that serves the document: before the first request.
  void watch(const http_server::Server& server, const pipeline::Dispatcher& dispatcher,
             const pipeline::LifecycleSweeper& sweeper, const pipeline::DeadLetterRetention& retention,
             const pipeline::RelayGate& relay);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace s3link::app
