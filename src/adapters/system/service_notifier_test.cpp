#include "adapters/system/service_notifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>

namespace s3link::system {
namespace {

using namespace std::chrono_literals;
using testing::MatchesRegex;

/// The manager's end.
class Manager {
 public:
  /// `name` as in NOTIFY_SOCKET.
  explicit Manager(const std::string& name) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(static_cast<char*>(address.sun_path), name.data(), name.size());
    std::size_t length = offsetof(sockaddr_un, sun_path) + name.size();
    if (name.front() == '@') {
      address.sun_path[0] = '\0';
    } else {
      ++length;
    }
    bound_ = ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length)) == 0;
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() { ::close(socket_); }

  bool bound() const { return bound_; }
  /// The next datagram; what is sent on this machine has arrived when the sender goes on.
  std::string next() const {
    std::array<char, 4096> buffer{};
    const auto length = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return length < 0 ? "(none)" : std::string(buffer.data(), static_cast<std::size_t>(length));
  }

 private:
  int socket_;
  bool bound_ = false;
};

ServiceNotifier::Environment variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : found->second.c_str();
  };
}

/// In either sort of address.
class ServiceNotifierTest : public testing::TestWithParam<bool> {
 protected:
  ServiceNotifierTest() {
    std::string pattern = testing::TempDir() + "notify-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    const std::string path = folder_ / "socket";
    name_ = GetParam() ? "@" + path : path;
  }
  ~ServiceNotifierTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  std::string name_;
};

TEST_P(ServiceNotifierTest, TellsTheManager) {
  const Manager manager(name_);
  ASSERT_TRUE(manager.bound());
  const auto notifier = ServiceNotifier::open(variables({{"NOTIFY_SOCKET", name_}}));
  ASSERT_TRUE(notifier) << notifier.error().message;
  EXPECT_TRUE(notifier->listened_to());
  EXPECT_TRUE(notifier->ready("serving\nMAINPID=1"));
  EXPECT_EQ(manager.next(), "READY=1\nSTATUS=serving MAINPID=1\n") << "a text must not become an assignment";
  EXPECT_TRUE(notifier->reloading());
  EXPECT_THAT(manager.next(), MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*\nSTATUS=.*\n"));
  EXPECT_TRUE(notifier->alive());
  EXPECT_EQ(manager.next(), "WATCHDOG=1\n");
  EXPECT_TRUE(notifier->status("well"));
  EXPECT_EQ(manager.next(), "STATUS=well\n");
  EXPECT_TRUE(notifier->stopping("bye"));
  EXPECT_EQ(manager.next(), "STOPPING=1\nSTATUS=bye\n");
}

TEST_P(ServiceNotifierTest, AManagerThatIsGoneIsAnError) {
  const auto notifier = ServiceNotifier::open(variables({{"NOTIFY_SOCKET", name_}}));
  ASSERT_TRUE(notifier) << notifier.error().message;
  const Status sent = notifier->alive();
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().kind, ErrorKind::internal);
}

INSTANTIATE_TEST_SUITE_P(Addresses, ServiceNotifierTest, testing::Values(false, true),
                         [](const auto& row) { return row.param ? "abstract" : "path"; });

TEST(ServiceNotifier, WithoutAManagerNothingIsSent) {
  const auto notifier = ServiceNotifier::open(variables({{"WATCHDOG_USEC", "1000"}}));
  ASSERT_TRUE(notifier);
  EXPECT_FALSE(notifier->listened_to());
  EXPECT_FALSE(notifier->watchdog()) << "nobody would hear it";
  EXPECT_TRUE(notifier->ready("serving"));
  EXPECT_TRUE(notifier->alive());
}

TEST(ServiceNotifier, AddressesThatCannotBeAreRefused) {
  for (const std::string& name : {std::string("relative"), std::string("vsock:2:1234"), "/" + std::string(200, 'a')}) {
    const auto notifier = ServiceNotifier::open(variables({{"NOTIFY_SOCKET", name}}));
    ASSERT_FALSE(notifier) << name;
    EXPECT_EQ(notifier.error().kind, ErrorKind::invalid_argument);
    EXPECT_THAT(notifier.error().message, testing::HasSubstr("NOTIFY_SOCKET"));
  }
}

struct WatchdogCase {
  std::string name, usec, pid;  ///< empty: not set
  std::optional<std::chrono::microseconds> want;
};
const std::vector<WatchdogCase> kWatchdogCases = {
    {"ours", "30000000", std::to_string(::getpid()), 30s},
    {"no_pid", "1500", "", 1500us},
    {"of_another", "30000000", "1", {}},
    {"not_watched", "", "", {}},
    {"zero", "0", "", {}},
    {"garbage", "30s", "", {}},
    {"garbled_pid", "1500", "1x", {}},
};
class WatchdogTest : public testing::TestWithParam<WatchdogCase> {};
TEST_P(WatchdogTest, IsReadFromTheEnvironment) {
  std::map<std::string, std::string> values = {{"NOTIFY_SOCKET", "/nobody/there"}};
  if (!GetParam().usec.empty()) values["WATCHDOG_USEC"] = GetParam().usec;
  if (!GetParam().pid.empty()) values["WATCHDOG_PID"] = GetParam().pid;
  const auto notifier = ServiceNotifier::open(variables(std::move(values)));
  ASSERT_TRUE(notifier);
  EXPECT_EQ(notifier->watchdog(), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, WatchdogTest, testing::ValuesIn(kWatchdogCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::system
