// What every optimizer of the registry keeps to.
#include <gtest/gtest.h>

#include <cstring>

#include "checkpoint/checkpoint.h"
#include "core/optim/trained_weights.h"
#include "dist/thread_communicator.h"
#include "tests/base/temporary_folder.h"
#include "tests/core/optimizer_support.h"

namespace hone::test {
namespace {

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  OptimOptions options;
  options.fields([&](const char* key, auto&, const FieldInfo& info) {
    if (std::string(key) == "name") names = info.choices;
  });
  return names;
}

OptimOptions options_of(const std::string& name) {
  return {.name = name, .weight_decay = 0.1, .momentum = 0.9, .scale_parameter = true};
}

// Two blocks; tensors that adamw_8bit keeps in 8 and in 32 bits, none a whole number of blocks long.
ArenaLayout sample_layout() {
  ArenaLayoutBuilder builder;
  builder.begin_block("layers.0");
  builder.add("matrix", {70, 65}, true);
  builder.add("vector", {33}, false);
  builder.begin_block("layers.1");
  builder.add("small", {9, 5}, true);
  builder.add("wide", {3, 2000}, true);
  return builder.finish();
}

// Weights in either type, and an optimizer that moves them.
struct SmallRun {
  ArenaLayout layout = sample_layout();
  std::vector<float> f32 = start_weights(layout);
  std::vector<std::uint16_t> bf16 = std::vector<std::uint16_t>(f32.size());
  StateTensor weights;
  optim::OptimizerPtr optimizer;

  SmallRun(const OptimOptions& options, StateType type) : optimizer(optim::make_optimizer(options, layout)) {
    for (std::size_t e = 0; e < f32.size(); ++e) {
      std::uint32_t bits;
      std::memcpy(&bits, &f32[e], 4);
      bf16[e] = static_cast<std::uint16_t>(bits >> 16);
    }
    void* data = type == StateType::f32 ? static_cast<void*>(f32.data()) : bf16.data();
    weights = {StateSpec{"master", type, 1, layout.size}, data};
  }
  SmallRun(const SmallRun&) = delete;
  // Steps [first, last), counted from 0, every one cut into `ranges`.
  void train(std::int64_t first, std::int64_t last, const std::vector<Range>& ranges) {
    for (std::int64_t step = first; step < last; ++step) {
      const std::vector<float> gradient = step_gradient(layout, step);
      optimizer->update(step_over(ranges, weights, gradient.data(), step + 1, 1e-2));
    }
  }
  void train(std::int64_t first, std::int64_t last) { train(first, last, {{0, layout.size}}); }
  std::vector<StateTensor> tensors() const {
    std::vector<StateTensor> all = optimizer->state();
    all.push_back(weights);
    return all;
  }
};

void expect_same_bits(const SmallRun& a, const SmallRun& b) {
  const auto left = a.tensors(), right = b.tensors();
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t t = 0; t < left.size(); ++t)
    EXPECT_TRUE(std::ranges::equal(left[t].bytes(), right[t].bytes())) << left[t].name;
}

class EveryOptimizer : public ::testing::TestWithParam<std::string> {
 protected:
  OptimOptions options() const { return options_of(GetParam()); }
};

}  // namespace

TEST_P(EveryOptimizer, GivesTheSameBitsHoweverTheArenaIsCut) {
  for (const StateType type : {StateType::f32, StateType::bf16}) {
    SmallRun whole(options(), type), parts(options(), type);
    const std::int64_t granule = optim::granule_of(options());
    std::vector<Range> ranges;
    for (std::int64_t begin = 0, length = granule; begin < parts.layout.size;
         begin += length, length += granule)
      ranges.push_back({begin, std::min(parts.layout.size, begin + length)});
    whole.train(0, 4);
    parts.train(0, 4, ranges);
    expect_same_bits(whole, parts);
  }
}

TEST_P(EveryOptimizer, GoesOnFromACheckpointToTheLastBitOnAnyNumberOfRanks) {
  for (const StateType type : {StateType::f32, StateType::bf16}) {
    SmallRun straight(options(), type), resumed(options(), type);
    straight.train(0, 3);
    const TemporaryFolder folder;
    dist::run_ranks(3, [&](Communicator& ranks) {
      checkpoint::CheckpointState state;
      state.step = 3;
      state.layout = &straight.layout;
      state.granule = optim::granule_of(options());
      for (const StateTensor& tensor : straight.tensors()) state.tensors.emplace_back(tensor);
      checkpoint::CheckpointStore(folder.path(), ranks).save(state);
    });
    checkpoint::LoadedCheckpoint loaded(folder.file("step-00000003"));
    for (const StateTensor& tensor : resumed.tensors()) loaded.read(tensor);
    expect_same_bits(straight, resumed);
    straight.train(3, 6);
    resumed.train(3, 6);
    expect_same_bits(straight, resumed);
  }
}

// Three ranks, each with its shards of state and weights, given the gradients that one rank is given.
TEST_P(EveryOptimizer, KeepsInShardsTheStateOfTheWhole) {
  for (const StateType type : {StateType::f32, StateType::bf16}) {
    SmallRun whole(options(), type);
    whole.train(0, 4);
    const TemporaryFolder folder;
    dist::run_ranks(3, [&](Communicator& ranks) {
      SmallRun shard(options(), type);
      const std::int64_t granule = optim::granule_of(options());
      const OwnedShards owned(shards_of(shard.layout, ranks.rank(), ranks.world_size(), granule));
      shard.optimizer = optim::make_optimizer(options(), shard.layout, owned);
      for (std::int64_t step = 0; step < 4; ++step) {
        const std::vector<float> gradient = step_gradient(shard.layout, step);
        optim::StepInput in = step_over(owned.ranges(), shard.weights, gradient.data(), step + 1, 1e-2);
        in.sum_over_shards = [&](std::span<double> values) {
          ranks.all_reduce({values.data(), std::ssize(values), CommType::f64}, ReduceOp::sum)->wait();
        };
        shard.optimizer->update(in);
      }
      checkpoint::CheckpointState state;
      state.step = 4;
      state.layout = &shard.layout;
      state.granule = granule;
      for (const StateTensor& tensor : shard.tensors()) state.tensors.emplace_back(tensor);
      checkpoint::CheckpointStore(folder.path(), ranks).save(state);
    });
    SmallRun gathered(options(), type);
    checkpoint::LoadedCheckpoint loaded(folder.file("step-00000004"));
    for (const StateTensor& tensor : gathered.tensors()) loaded.read(tensor);
    if (GetParam() != "adafactor") {
      expect_same_bits(whole, gathered);
      continue;
    }
    const auto left = whole.tensors(), right = gathered.tensors();  // sums in another order
    for (std::size_t t = 0; t < left.size(); ++t)
      for (std::int64_t i = 0; left[t].type == StateType::f32 && i < left[t].count; ++i)
        EXPECT_NEAR(right[t].floats()[i], left[t].floats()[i], 1e-6 * std::abs(left[t].floats()[i]))
            << left[t].name;
  }
}

TEST_P(EveryOptimizer, LowersAQuadratic) {
  ArenaLayout layout = layout_of_shapes({{70, 64}, {40}});
  const auto optimizer = optim::make_optimizer({.name = GetParam(), .momentum = 0.9}, layout);
  std::vector<float> weights(layout.size), gradient(layout.size);
  const std::vector<float> target = start_weights(layout);
  const auto loss = [&] {
    double sum = 0;
    for (std::size_t e = 0; e < weights.size(); ++e) sum += std::pow(weights[e] - target[e], 2);
    return sum;
  };
  const double before = loss();
  for (std::int64_t step = 1; step <= 300; ++step) {
    for (std::size_t e = 0; e < weights.size(); ++e) gradient[e] = weights[e] - target[e];
    const double lr = 0.02 * (1.0 - static_cast<double>(step) / 300);
    optimizer->update(step_over(weights, gradient.data(), step, lr));
  }
  EXPECT_LT(loss(), before / 1000);
}

TEST_P(EveryOptimizer, DeclaresStateThatShardsAndItsSize) {
  const ArenaLayout layout = sample_layout();
  const auto optimizer = optim::make_optimizer(options(), layout);
  EXPECT_EQ(ArenaLayoutBuilder::kAlignment % optim::granule_of(options()), 0);
  std::int64_t bytes = 0;
  for (const StateTensor& tensor : optimizer->state()) {
    EXPECT_TRUE(checkpoint::is_tensor_name(tensor.name));
    if (tensor.per != StateSpec::kWhole) {
      EXPECT_EQ(optim::granule_of(options()) % tensor.per, 0);
      EXPECT_EQ(tensor.count * tensor.per, layout.size);
    }
    bytes += std::ssize(tensor.bytes());
  }
  EXPECT_EQ(optim::state_bytes(options(), layout), bytes);
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryOptimizer, ::testing::ValuesIn(optimizer_names()),
                         [](const auto& info) { return info.param; });

TEST(StateBytes, AreTheFigureEachOptimizerIsKnownFor) {
  const ArenaLayout layout = layout_of_shapes({{1024, 256}});  // 2^18 elements
  const auto per_element = [&](const OptimOptions& options) {
    return static_cast<double>(optim::state_bytes(options, layout)) / (1 << 18);
  };
  EXPECT_EQ(per_element({.name = "adamw"}), 8);
  EXPECT_EQ(per_element({.name = "adamw_8bit"}), 2 + 8.0 / 256);
  EXPECT_EQ(per_element({.name = "lion"}), 4);
  EXPECT_EQ(per_element({.name = "sgd"}), 0);
  EXPECT_EQ(per_element({.name = "sgd", .momentum = 0.9}), 4);
  EXPECT_EQ(per_element({.name = "adafactor"}), 4.0 * (1024 + 256) / (1 << 18));
}

}  // namespace hone::test
