#include "adapters/system/line_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace s3link::system {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWithoutEnd = std::numeric_limits<std::size_t>::max();

/// A pipe or a disk: each write waits for its turn, and finds so much room.
class FakeOutput {
 public:
  explicit FakeOutput(std::size_t turns = kWithoutEnd) : turns_(turns) {}

  std::size_t write(std::string_view bytes) {
    std::unique_lock lock(mutex_);
    ++begun_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return turns_ > 0; });
    if (turns_ != kWithoutEnd) --turns_;
    const std::size_t taken = std::min(room_, bytes.size());
    if (room_ != kWithoutEnd) room_ -= taken;
    text_ += bytes.substr(0, taken);
    return taken;
  }

  void give_turns(std::size_t turns) {
    const std::scoped_lock lock(mutex_);
    turns_ = turns;
    changed_.notify_all();
  }
  void give_room(std::size_t room) {
    const std::scoped_lock lock(mutex_);
    room_ = room;
  }
  void wait_for_writes(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, count] { return begun_ >= count; });
  }
  std::string text() const {
    const std::scoped_lock lock(mutex_);
    return text_;
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    const std::string all = text();
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t end = std::min(all.find('\n', at), all.size());
      out.push_back(all.substr(at, end - at));
      at = end + 1;
    }
    return out;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t turns_;
  std::size_t room_ = kWithoutEnd;
  std::size_t begun_ = 0;
  std::string text_;
};

class LineWriterTest : public testing::Test {
 protected:
  /// Ends never: a test that needs the end to be bounded says so.
  void make(std::size_t turns, LineWriter::Limits limits = {.queue_bytes = 4096, .last_wait = 24h}) {
    output_ = std::make_shared<FakeOutput>(turns);
    writer_.emplace([output = output_](std::string_view bytes) { return output->write(bytes); },
                    [](std::uint64_t dropped) { return "dropped " + std::to_string(dropped); }, limits);
  }
  /// Writes lines until one is dropped; returns how many were taken.
  std::size_t fill() {
    std::size_t count = 0;
    for (const auto before = writer_->dropped(); writer_->dropped() == before; ++count) writer_->write(line(count));
    return count - 1;
  }
  static std::string line(std::size_t number) { return "line " + std::to_string(number) + std::string(100, '.'); }

  std::shared_ptr<FakeOutput> output_;
  std::optional<LineWriter> writer_;
};

TEST_F(LineWriterTest, EveryLineIsWrittenInItsOrderBeforeTheEnd) {
  make(kWithoutEnd, {.queue_bytes = std::size_t{1} << 20, .last_wait = 24h});
  std::string expected;
  for (std::size_t number = 0; number < 1000; ++number) {
    writer_->write(line(number));
    expected += line(number) + '\n';
  }
  writer_.reset();
  EXPECT_EQ(output_->text(), expected);
}

TEST_F(LineWriterTest, WhatIsTooMuchIsDroppedWithoutWaitingAndTheNoticeSaysHowMuch) {
  make(0);
  writer_->write("first");
  output_->wait_for_writes(1);
  const std::size_t taken = fill();
  EXPECT_GT(taken, 10U);
  for (int more = 0; more < 9; ++more) writer_->write("too much");
  EXPECT_EQ(writer_->dropped(), 10U);
  output_->give_turns(kWithoutEnd);
  writer_.reset();
  auto lines = output_->lines();
  ASSERT_EQ(lines.size(), 1 + taken + 1);
  EXPECT_EQ(lines.front(), "first");
  for (std::size_t number = 0; number < taken; ++number) EXPECT_EQ(lines[1 + number], line(number));
  EXPECT_EQ(lines.back(), "dropped 10");
}

TEST_F(LineWriterTest, TheNoticeComesWithoutAnotherLine) {
  make(0);
  writer_->write("first");
  output_->wait_for_writes(1);
  const std::size_t taken = fill();
  output_->give_turns(1 + taken);
  output_->wait_for_writes(1 + taken + 1);
  output_->give_turns(kWithoutEnd);
  writer_->write("later");
  writer_.reset();
  const auto lines = output_->lines();
  ASSERT_GE(lines.size(), 2U);
  EXPECT_EQ(lines[lines.size() - 2], "dropped 1");
  EXPECT_EQ(lines.back(), "later");
}

TEST_F(LineWriterTest, AfterADropLinesAreTakenAgainWhenTheQueueIsHalfEmpty) {
  make(0);
  writer_->write("first");
  output_->wait_for_writes(1);
  const std::size_t taken = fill();
  output_->give_turns(2);
  output_->wait_for_writes(3);
  writer_->write("too early");
  EXPECT_EQ(writer_->dropped(), 2U);
  output_->give_turns(taken / 2 + 1);
  output_->wait_for_writes(3 + taken / 2 + 1);
  writer_->write("in time");
  EXPECT_EQ(writer_->dropped(), 2U);
  output_->give_turns(kWithoutEnd);
  writer_.reset();
  const auto lines = output_->lines();
  ASSERT_EQ(lines.size(), 1 + taken + 2);
  EXPECT_EQ(lines[lines.size() - 2], "dropped 2");
  EXPECT_EQ(lines.back(), "in time");
}

TEST_F(LineWriterTest, ALineLargerThanTheQueueIsDropped) {
  make(kWithoutEnd);
  writer_->write(std::string(5000, 'x'));
  EXPECT_EQ(writer_->dropped(), 1U);
  writer_->write("fits");
  writer_.reset();
  EXPECT_EQ(output_->text(), "dropped 1\nfits\n");
}

TEST_F(LineWriterTest, AnOutputThatTakesNothingMoreCostsItsLines) {
  make(kWithoutEnd);
  output_->give_room(0);
  for (int number = 0; number < 3; ++number) writer_->write("lost");
  output_->wait_for_writes(3);
  while (writer_->dropped() < 3) std::this_thread::yield();
  writer_.reset();
  EXPECT_EQ(output_->text(), "");
}

TEST_F(LineWriterTest, AFullDiskCutsALineAndTheNextBeginsALineOfItsOwn) {
  make(kWithoutEnd);
  output_->give_room(8);
  writer_->write("abcdefghij");
  writer_->write("lost");
  while (writer_->dropped() < 2) std::this_thread::yield();
  output_->give_room(kWithoutEnd);
  writer_->write("after");
  writer_.reset();
  EXPECT_EQ(output_->text(), "abcdefgh\ndropped 2\nafter\n");
}

TEST_F(LineWriterTest, WhatCouldNotBeToldIsToldAtTheEnd) {
  make(kWithoutEnd);
  output_->give_room(0);
  writer_->write("lost");
  while (writer_->dropped() < 1) std::this_thread::yield();
  output_->give_room(kWithoutEnd);
  writer_.reset();
  EXPECT_EQ(output_->text(), "dropped 1\n");
}

TEST_F(LineWriterTest, TheEndDoesNotWaitForAnOutputThatBlocks) {
  make(0, {.queue_bytes = 4096, .last_wait = 0ms});
  writer_->write("first");
  writer_->write("second");
  output_->wait_for_writes(1);
  writer_.reset();  // returns: the output is released only after it
  output_->give_turns(kWithoutEnd);
  while (output_.use_count() > 1) std::this_thread::yield();  // the thread has ended
  EXPECT_EQ(output_->text(), "first\n");
}

TEST_F(LineWriterTest, TheEndWaitsForAnOutputThatIsSlow) {
  make(0);
  writer_->write("first");
  writer_->write("second");
  output_->wait_for_writes(1);
  std::jthread slow([this] { output_->give_turns(kWithoutEnd); });
  writer_.reset();
  EXPECT_EQ(output_->text(), "first\nsecond\n");
}

TEST_F(LineWriterTest, LinesOfManyThreadsStayWholeAndInEachThreadsOrder) {
  make(kWithoutEnd, {.queue_bytes = std::size_t{1} << 20, .last_wait = 24h});
  {
    std::vector<std::jthread> threads;
    for (char name = 'a'; name < 'e'; ++name) {
      threads.emplace_back([this, name] {
        for (int number = 100; number < 600; ++number) writer_->write(name + std::to_string(number));
      });
    }
  }
  writer_.reset();
  const auto lines = output_->lines();
  EXPECT_EQ(lines.size(), 2000U);
  for (char name = 'a'; name < 'e'; ++name) {
    int expected = 100;
    for (const std::string& line : lines) {
      if (!line.starts_with(name)) continue;
      EXPECT_EQ(line.substr(1), std::to_string(expected++));
    }
    EXPECT_EQ(expected, 600);
  }
}

TEST(DescriptorSink, WritesToItsOwnDescriptor) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  {
    const auto sink = descriptor_sink(ends[1]);
    ::close(ends[1]);
    EXPECT_EQ(sink("whole\n"), 6U);
  }
  char read[16] = {};
  EXPECT_EQ(::read(ends[0], read, sizeof read), 6);
  EXPECT_EQ(::read(ends[0], read, sizeof read), 0) << "and closes it";
  ::close(ends[0]);
}

TEST(DescriptorSink, TakesNothingWhereNothingCanBeWritten) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(descriptor_sink(ends[1])("nobody reads"), 0U);
  ::close(ends[1]);
  EXPECT_EQ(descriptor_sink(-1)("closed"), 0U);
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  EXPECT_EQ(descriptor_sink(full)("full"), 0U);
  ::close(full);
}

}  // namespace
}  // namespace s3link::system
