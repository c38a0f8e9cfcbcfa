// The estimate before anything is loaded against what is then allocated.
#include "core/model/memory.h"

#include <gtest/gtest.h>

#include "core/optim/optimizer.h"
#include "tests/core/fakes.h"

namespace hone::test {

TEST(MemoryEstimate, CountsTheArenaAndTheStateOfEachOptimizerAsTheyWillBe) {
  const formats::ModelFiles files = formats::open_model(golden_path("tiny_llama"));
  for (const model::BuildSpec& spec : {full_spec(), lora_spec(), lora_spec(0, {"q_proj", "down_proj"})}) {
    model::Model model = build("tiny_llama", spec);
    const ArenaLayout& layout = model.arena().layout();
    for (const char* name : {"adamw", "adamw_8bit", "adafactor", "lion", "sgd"}) {
      const OptimOptions options{.name = name, .momentum = 0.9};
      const model::MemoryEstimate estimate =
          model::estimate_memory(files, spec, [&](const ArenaLayout& trained, std::int64_t owned) {
            return optim::state_bytes(options, trained, owned);
          });
      EXPECT_EQ(estimate.master, layout.size * 4);
      EXPECT_EQ(estimate.gradients, layout.size * 4);
      std::int64_t bytes = 0;
      for (const StateTensor& tensor : optim::make_optimizer(options, layout)->state())
        bytes += std::ssize(tensor.bytes());
      EXPECT_EQ(estimate.optimizer, bytes) << name;
    }
  }
}

TEST(MemoryEstimate, CountsMastersOfEitherTypeBesideTheirViews) {
  const formats::ModelFiles files = formats::open_model(golden_path("tiny_llama"));
  const auto bytes = [&](at::ScalarType compute, at::ScalarType master) {
    model::BuildSpec spec = full_spec();
    spec.compute = compute;
    spec.master = master;
    const auto estimate =
        model::estimate_memory(files, spec, [](const ArenaLayout&, std::int64_t) { return 0; });
    return 4 * estimate.master / estimate.gradients;
  };
  EXPECT_EQ(bytes(at::kFloat, at::kFloat), 4);
  EXPECT_EQ(bytes(at::kBFloat16, at::kFloat), 6);
  EXPECT_EQ(bytes(at::kBFloat16, at::kBFloat16), 2);
}

TEST(MemoryEstimate, LaysOutTheArenaInTheBlocksOfTheModel) {
  const model::BuildSpec embedding_too = [] {
    model::BuildSpec spec = lora_spec();
    spec.lora.modules_to_save = {"norm"};
    return spec;
  }();
  for (const char* name : {"tiny_llama", "tiny_llama_untied", "tiny_qwen2"})
    for (const model::BuildSpec& spec :
         {full_spec(), lora_spec(), lora_spec(0, {"q_proj", "down_proj"}), embedding_too}) {
      const formats::ModelFiles files = formats::open_model(golden_path(name));
      const model::Model model = model::build_model(files, spec, false);
      const ArenaLayout expected = model.arena().layout(), layout = model::trained_layout(files, spec);
      ASSERT_EQ(layout.blocks.size(), expected.blocks.size());
      for (std::size_t b = 0; b < layout.blocks.size(); ++b) {
        EXPECT_EQ(layout.blocks[b].name, expected.blocks[b].name);
        EXPECT_EQ(layout.blocks[b].range, expected.blocks[b].range);
      }
      std::int64_t frozen = 0, trained = 0;
      for (const model::Segment& segment : model::segments_of(files, spec))
        frozen += segment.frozen, trained += segment.trained;
      EXPECT_EQ(frozen, model.frozen_bytes());
      EXPECT_EQ(trained, expected.size);
    }
}

TEST(MemoryEstimate, WhatDoesNotFitIsRefusedByAByte) {
  const formats::ModelFiles files = formats::open_model(golden_path("tiny_llama"));
  const auto no_state = [](const ArenaLayout&, std::int64_t) { return std::int64_t{0}; };
  const std::int64_t needed = model::estimate_memory(files, full_spec(), no_state).total();
  model::require_memory(files, full_spec(), no_state, needed);
  try {
    model::require_memory(files, full_spec(), no_state, needed - 1);
    ADD_FAILURE() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "MM001");
    EXPECT_EQ(error.exit(), Exit::memory);
  }
}

TEST(MemoryEstimate, ShardsStateByStage) {
  const formats::ModelFiles files = formats::open_model(golden_path("tiny_llama"));
  const model::BuildSpec spec = with_compute(full_spec(), at::kBFloat16);
  const std::int64_t whole = model::trained_layout(files, spec).size;
  const auto at_stage = [&](int stage) {
    return model::estimate_memory(
        files, spec, [](const ArenaLayout&, std::int64_t owned) { return 8 * owned; }, {stage, 2, 64});
  };
  EXPECT_EQ(at_stage(0).master, 6 * whole);
  EXPECT_EQ(at_stage(0).optimizer, 8 * whole);
  const std::int64_t owned = at_stage(1).optimizer / 8;  // two ranks: every block is even, so each owns half
  EXPECT_EQ(owned, whole / 2);
  EXPECT_EQ(at_stage(1).master, 4 * owned + 2 * whole);
  EXPECT_EQ(at_stage(1).gradients, 4 * (whole + owned));
  EXPECT_EQ(at_stage(2).gradients, 4 * owned);
  EXPECT_EQ(at_stage(2).master, 4 * owned + 2 * whole);
  EXPECT_EQ(at_stage(3).master, 4 * owned);
  EXPECT_GT(at_stage(3).gathered, at_stage(2).gathered);
}

}  // namespace hone::test
