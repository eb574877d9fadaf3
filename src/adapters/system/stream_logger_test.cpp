#include "adapters/system/stream_logger.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <string>
#include <thread>

#include "adapters/system/write_line.hpp"
#include "core/base/instant.hpp"

namespace s3link::system {
namespace {

class Pipe {
 public:
  Pipe() {
    if (::pipe(ends_) != 0) throw std::runtime_error("no pipe");
  }
  ~Pipe() {
    close_input();
    close_output();
  }
  int input() const { return ends_[1]; }
  void close_input() { close(ends_[1]); }
  void close_output() { close(ends_[0]); }
  /// All there is, once the input is closed.
  std::string read_all() {
    std::string out;
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(ends_[0], buffer, sizeof buffer)) > 0;) {
      out.append(buffer, static_cast<std::size_t>(count));
    }
    return out;
  }

 private:
  static void close(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  int ends_[2] = {-1, -1};
};

TEST(StreamLogger, ARecordIsALineAsLambdaReadsIt) {
  Pipe pipe;
  StreamLogger(ports::LogLevel::info, pipe.input()).log(ports::LogLevel::warning, "mail failed", {{"key", "a\nb"}});
  pipe.close_input();
  const std::string line = pipe.read_all();
  ASSERT_TRUE(line.ends_with('\n'));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto document = boost::json::parse(line).as_object();
  EXPECT_TRUE(parse_iso8601(document.at("timestamp").as_string()));
  EXPECT_EQ(document.at("level"), "WARN");
  EXPECT_EQ(document.at("message"), "mail failed");
  EXPECT_EQ(document.at("key"), "a\nb");
}

TEST(StreamLogger, LeavesOutWhatIsBelowItsLevel) {
  Pipe pipe;
  StreamLogger logger(ports::LogLevel::warning, pipe.input());
  logger.log(ports::LogLevel::info, "quiet", {});
  logger.log(ports::LogLevel::error, "loud", {});
  pipe.close_input();
  const std::string lines = pipe.read_all();
  EXPECT_EQ(lines.find("quiet"), std::string::npos);
  EXPECT_NE(lines.find("loud"), std::string::npos);
}

TEST(WriteLine, ALineLongerThanThePipeWaitsForItsReader) {
  Pipe pipe;
  ::fcntl(pipe.input(), F_SETFL, O_NONBLOCK);
  const std::string line(300'000, 'x');
  std::jthread writer([&] {
    write_line(pipe.input(), line);
    pipe.close_input();
  });
  EXPECT_EQ(pipe.read_all(), line + '\n');
}

TEST(WriteLine, WithoutAReaderTheLineIsLost) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  pipe.close_output();
  write_line(pipe.input(), "lost");
}

}  // namespace
}  // namespace s3link::system
