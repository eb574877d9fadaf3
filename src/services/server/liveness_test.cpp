#include "services/server/liveness.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace s3link::server {
namespace {

/// A part that answers when the test says so.
struct SlowPart {
  Liveness::Part part(std::string name) {
    return {std::move(name), [this](Liveness::Answer answer) { asked.push_back(std::move(answer)); }};
  }
  void answer(Status status) {
    asked.back()(std::move(status));
    asked.pop_back();
  }
  std::vector<Liveness::Answer> asked;
};

Liveness::Part ready_part(std::string name) {
  return {std::move(name), [](const Liveness::Answer& answer) { answer({}); }};
}

std::string objection(const Status& status) { return status ? "" : status.error().message; }

TEST(Liveness, PartsThatAnswerWork) {
  Liveness liveness;
  liveness.add(ready_part("pipeline"));
  liveness.add(ready_part("store"));
  for (int look = 0; look < 3; ++look) EXPECT_EQ(objection(liveness.look()), "");
  EXPECT_TRUE(liveness.state());
}

TEST(Liveness, ThePartThatOwesAnAnswerIsNamedUntilItGivesOne) {
  SlowPart pipeline;
  Liveness liveness;
  liveness.add(pipeline.part("pipeline"));
  liveness.add(ready_part("store"));
  EXPECT_EQ(objection(liveness.look()), "") << "it was asked just now";
  EXPECT_EQ(objection(liveness.look()), "pipeline does not answer");
  EXPECT_EQ(objection(liveness.state()), "pipeline does not answer");
  EXPECT_EQ(objection(liveness.look()), "pipeline does not answer");
  EXPECT_EQ(pipeline.asked.size(), 1U) << "questions do not pile up";
  pipeline.answer({});
  EXPECT_EQ(objection(liveness.look()), "");
  EXPECT_EQ(pipeline.asked.size(), 1U) << "and it is asked again";
}

TEST(Liveness, AnErrorIsToldWithThePart) {
  SlowPart store;
  SlowPart pipeline;
  Liveness liveness;
  liveness.add(pipeline.part("pipeline"));
  liveness.add(store.part("store"));
  EXPECT_TRUE(liveness.look());
  store.answer(fail(ErrorKind::transient, "a commit failed"));
  EXPECT_EQ(objection(liveness.look()), "pipeline does not answer; store: a commit failed");
}

TEST(Liveness, AnAnswerMayComeWhenNobodyListensAnyMore) {
  SlowPart pipeline;
  {
    Liveness liveness;
    liveness.add(pipeline.part("pipeline"));
    EXPECT_TRUE(liveness.look());
  }
  pipeline.answer({});
}

}  // namespace
}  // namespace s3link::server
