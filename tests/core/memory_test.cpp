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
      const model::MemoryEstimate estimate = model::estimate_memory(
          files, spec, [&](const ArenaLayout& trained) { return optim::state_bytes(options, trained); });
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
    const auto estimate = model::estimate_memory(files, spec, [](const ArenaLayout&) { return 0; });
    return 4 * estimate.master / estimate.gradients;
  };
  EXPECT_EQ(bytes(at::kFloat, at::kFloat), 4);
  EXPECT_EQ(bytes(at::kBFloat16, at::kFloat), 6);
  EXPECT_EQ(bytes(at::kBFloat16, at::kBFloat16), 2);
}

}  // namespace hone::test
