#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <vector>

#include "services/server/liveness.hpp"
#include "services/server/readiness.hpp"

namespace s3link::pipeline {
class ClockGuard;
class RelayGate;
class StorageWatch;
struct StorageSource;
}  // namespace s3link::pipeline
namespace s3link::http_server {
class Server;
}
namespace s3link::sqlite_store {
class Store;
}

namespace s3link::app {

/// How that store is watched.
pipeline::StorageSource storage_source(sqlite_store::Store& store);

/// What /_/readyz asks besides whether the store takes writes: that the server does not stop, that the disk does what
/// an upload needs, that the outbox has room, and that all parts work; it tells the state of the relay, the clock
/// and backups, which keep nobody from uploading. The references must outlive the API.
std::vector<server::ReadinessCheck> readiness_checks(const std::atomic<bool>& stopping, sqlite_store::Store& store,
                                                     const pipeline::StorageWatch& storage,
                                                     const server::Liveness& liveness, const pipeline::RelayGate& relay,
                                                     pipeline::ClockGuard& guard);

/// Adds the parts of `serve`: the threads that speak HTTP, the pipeline's, the store. No look may be under way, or come
/// when one of them is gone.
void add_parts(server::Liveness& liveness, http_server::Server& server, asio::io_context& pipeline,
               sqlite_store::Store& store);

}  // namespace s3link::app
