#include "checkpoint/compatible.h"

#include "fixture.h"

namespace hone::checkpoint::testing {
namespace {

const FlatMap kSaved{{"optim.lr", "0.0002"}, {"schedule.name", "linear"}, {"train.micro_tokens", "2048"}};
const std::set<std::string> kMayChange{"train.micro_tokens", "dist.zero"};

TEST(Compatible, WhatMayChangeMayChange) {
  const FlatMap now{
      {"optim.lr", "0.0002"}, {"schedule.name", "linear"}, {"train.micro_tokens", "512"}, {"dist.zero", "0"}};
  EXPECT_NO_THROW(require_same_config(kSaved, now, kMayChange, "step-00000001"));
}

TEST(Compatible, AnyOtherChangeIsRefusedByNameOldAndNewValue) {
  const FlatMap now{{"optim.lr", "0.001"}, {"schedule.name", "cosine"}, {"train.micro_tokens", "2048"}};
  try {
    require_same_config(kSaved, now, kMayChange, "step-00000001");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    EXPECT_EQ(error.code(), "CK010");
    const std::string line = error.what();
    for (const char* part : {"optim.lr", "\"0.0002\"", "\"0.001\"", "also changed: schedule.name"})
      EXPECT_NE(line.find(part), std::string::npos) << line;
  }
}

TEST(Compatible, KeyThatCameOrWentIsAChange) {
  FlatMap now = kSaved;
  now.erase("optim.lr");
  std::string message;
  EXPECT_EQ(code_of([&] { require_same_config(kSaved, now, {}, "c"); }, &message), "CK010");
  EXPECT_NE(message.find("now not set"), std::string::npos) << message;
  EXPECT_EQ(code_of([&] { require_same_config(now, kSaved, {}, "c"); }), "CK010");
}

TEST(Compatible, OtherDataOrModelIsRefused) {
  const FlatMap saved{{"base model", "aa"}, {"data", "bb"}};
  EXPECT_NO_THROW(require_same_inputs(saved, saved, "c"));
  std::string message;
  EXPECT_EQ(code_of(
                [&] {
                  require_same_inputs(saved, {{"base model", "aa"}, {"data", "cc"}}, "c");
                },
                &message),
            "CK011");
  EXPECT_NE(message.find("another data"), std::string::npos) << message;
}

TEST(Compatible, OtherModelIsRefusedByParameter) {
  const ArenaLayout layout = small_layout();
  EXPECT_NO_THROW(require_same_layout(layout, layout, "c"));
  ArenaLayout other = layout;
  other.parameters[1].shape = {33, 4};
  std::string message;
  EXPECT_EQ(code_of([&] { require_same_layout(layout, other, "c"); }, &message), "CK009");
  EXPECT_NE(message.find("layers.0.lora_A [4, 33], the run has layers.0.lora_A [33, 4]"), std::string::npos)
      << message;
  other = layout;
  other.parameters.pop_back();
  EXPECT_EQ(code_of([&] { require_same_layout(layout, other, "c"); }), "CK009");
}

}  // namespace
}  // namespace hone::checkpoint::testing
