#include "core/event/origins.hpp"

#include <gtest/gtest.h>

#include "core/event/event_record.hpp"

namespace s3link::event {
namespace {

TEST(Origins, GiveASequencerTheOneThatBeganLastBeforeIt) {
  const Origins origins({{sequencer_of(300), "third"}, {sequencer_of(7), "first"}, {sequencer_of(16), "second"}});
  EXPECT_EQ(origins.of(sequencer_of(6)), "") << "before origins were kept";
  EXPECT_EQ(origins.of(sequencer_of(7)), "first");
  EXPECT_EQ(origins.of(sequencer_of(15)), "first");
  EXPECT_EQ(origins.of(sequencer_of(16)), "second");
  EXPECT_EQ(origins.of(sequencer_of(299)), "second");
  EXPECT_EQ(origins.of(sequencer_of(300)), "third");
  EXPECT_EQ(origins.of(sequencer_of(~0ULL)), "third");
}

TEST(Origins, AreNoneOfAStoreThatKeepsNone) { EXPECT_EQ(Origins().of(sequencer_of(1)), ""); }

}  // namespace
}  // namespace s3link::event
