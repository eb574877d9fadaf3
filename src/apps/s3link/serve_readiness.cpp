#include "apps/s3link/serve_readiness.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "adapters/http_server/server.hpp"
#include "adapters/sqlite_store/store.hpp"

namespace s3link::app {
namespace {

Awaitable<Status> not_stopping(const std::atomic<bool>& stopping) {
  if (stopping) co_return fail(ErrorKind::transient, "the server is stopping");
  co_return Status{};
}

Awaitable<Status> all_work(const server::Liveness& liveness) { co_return liveness.state(); }

}  // namespace

std::vector<server::ReadinessCheck> readiness_checks(const std::atomic<bool>& stopping, sqlite_store::Store& store,
                                                     const server::Liveness& liveness) {
  return {{"server", [&stopping] { return not_stopping(stopping); }},
          {"outbox", [&store] { return store.outbox_room(); }},
          {"liveness", [&liveness] { return all_work(liveness); }}};
}

void add_parts(server::Liveness& liveness, http_server::Server& server, asio::io_context& pipeline,
               sqlite_store::Store& store) {
  using Answer = server::Liveness::Answer;
  liveness.add(
      {"http", [&server](Answer answer) { server.ask_threads([answer = std::move(answer)] { answer({}); }); }});
  liveness.add(
      {"pipeline", [&pipeline](Answer answer) { asio::post(pipeline, [answer = std::move(answer)] { answer({}); }); }});
  liveness.add({"store", [&store](Answer answer) { store.ask(std::move(answer)); }});
}

}  // namespace s3link::app
