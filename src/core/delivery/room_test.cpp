#include "core/delivery/room.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace s3link::delivery {

void PrintTo(const Room& room, std::ostream* out) {
  *out << room.total << " total, " << room.retried << " retried" << (room.retried_first ? " first" : " last");
}

namespace {

struct RoomCase {
  std::string name;
  std::size_t concurrency;
  InFlight in_flight;
  Room want;
};
const std::vector<RoomCase> kRoomCases = {
    {"idle", 16, {0, 0}, {16, 12, true}},
    {"retried_take_their_share_and_no_more", 16, {0, 12}, {4, 0, true}},
    {"share_is_about_slots_not_about_what_is_free", 16, {4, 8}, {4, 4, true}},
    {"fresh_may_have_all", 16, {15, 0}, {1, 1, true}},
    {"full", 16, {8, 8}, {0, 0, true}},
    {"more_than_full", 4, {4, 3}, {0, 0, true}},
    {"largest", 256, {0, 0}, {256, 192, true}},
    {"two_slots_are_one_each", 2, {0, 1}, {1, 0, true}},
    {"one_slot", 1, {0, 0, false}, {1, 1, true}},
    {"one_slot_is_shared_by_turns", 1, {0, 0, true}, {1, 1, false}},
    {"one_slot_in_use", 1, {1, 0, false}, {0, 0, true}},
};
class RoomTest : public testing::TestWithParam<RoomCase> {};
TEST_P(RoomTest, KeepsSlotsForTheFresh) {
  EXPECT_EQ(room_for(GetParam().concurrency, GetParam().in_flight), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, RoomTest, testing::ValuesIn(kRoomCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::delivery
