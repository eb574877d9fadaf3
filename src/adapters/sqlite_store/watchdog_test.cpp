// What a watchdog hears of the store: that a worker and the writer have had a turn.
#include <gtest/gtest.h>

#include <future>
#include <latch>

#include "adapters/sqlite_store/faulty_file_system_test.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

using namespace std::chrono_literals;

std::future<Status> ask(Store& store) {
  auto answer = std::make_shared<std::promise<Status>>();
  auto future = answer->get_future();
  store.ask([answer](Status status) { answer->set_value(std::move(status)); });
  return future;
}

class WatchdogTest : public StoreTest {};

TEST_F(WatchdogTest, AStoreThatWorksAnswers) { EXPECT_TRUE(ask(*store_).get()); }

TEST_F(WatchdogTest, AWriterThatIsStuckGivesNoAnswer) {
  std::latch stuck(1);
  std::latch release(1);
  store_->outbox().on_new_entry([&] {  // called by the writer
    stuck.count_down();
    release.wait();
  });
  ports::PutObject request = put_request("key");
  request.event = {
      .event_name = "ObjectCreated:Put", .region = "", .principal = "p", .source_ip = "::1", .request_id = "R"};
  auto writing = std::async(std::launch::async, [&] { return run_sync(put(buckets(), std::move(request), "x")); });
  stuck.wait();
  auto answer = ask(*store_);
  EXPECT_EQ(answer.wait_for(50ms), std::future_status::timeout);
  release.count_down();
  EXPECT_TRUE(answer.get());
  EXPECT_TRUE(writing.get());
  store_->outbox().on_new_entry({});
}

TEST_F(WatchdogTest, RefusingWritesForGoodIsAnError) {
  const TemporaryFolder folder(TemporaryFolder::Place::memory);
  {
    auto prepared = open_store(folder.path());
    ASSERT_TRUE(prepared);
    ASSERT_TRUE(run_sync((*prepared)->buckets().create_bucket(bucket_name(), at_second(1))));
  }
  bool refused = false;
  // The sync of the body is one of the first calls.
  for (int chosen = 0; !refused && chosen < 40; ++chosen) {
    FaultyFileSystem files(FaultyFileSystem::Mode::fail_once, chosen, EIO);
    auto store = open_store(folder.path(), {.files = &files, .sqlite_vfs = nullptr, .now = {}});
    if (!store) continue;
    (void)run_sync(put((*store)->buckets(), put_request("key"), pattern(100'000)));
    refused = !(*store)->buckets().writable();
    const Status answer = ask(**store).get();
    EXPECT_EQ(answer.has_value(), !refused);
    if (refused) EXPECT_NE(answer.error().message.find("sync"), std::string::npos) << answer.error().message;
  }
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace s3link::sqlite_store
