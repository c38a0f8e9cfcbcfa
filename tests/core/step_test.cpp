// One optimizer step, with every port faked.
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"
#include "tests/core/fakes.h"

namespace hone::test {
namespace {

// As if `ranks` ranks had given the same numbers.
struct EchoCommunicator final : Communicator {
  EchoCommunicator(Log& l, int n) : log(l), ranks(n) {}
  int rank() const override { return 0; }
  int world_size() const override { return ranks; }
  WorkPtr all_reduce(CommBuffer buffer, ReduceOp) override {
    log.push_back("all_reduce");
    for (std::int64_t i = 0; i < buffer.count; ++i) static_cast<double*>(buffer.data)[i] *= ranks;
    return solo.barrier();
  }
  WorkPtr reduce_scatter(CommBuffer, CommBuffer, ReduceOp) override { return solo.barrier(); }
  WorkPtr all_gather(CommBuffer, CommBuffer) override { return solo.barrier(); }
  WorkPtr broadcast(CommBuffer, int) override { return solo.barrier(); }
  WorkPtr all_to_all(CommBuffer, CommBuffer) override { return solo.barrier(); }
  WorkPtr barrier() override { return solo.barrier(); }
  Log& log;
  int ranks;
  SoloCommunicator solo;
};

struct LoggedReduction final : GradientReduction {
  explicit LoggedReduction(Log& l) : log(l) {}
  void block_final(std::size_t block) override { log.push_back("block " + std::to_string(block)); }
  void finish() override { log.push_back("finish"); }
  Log& log;
};

// Weight: tokens. Gradient: `value` everywhere, or a NaN in one parameter.
struct ScriptedObjective final : objective::Objective {
  explicit ScriptedObjective(Log& l) : log(l) {}
  double weight(const TokenBatch& batch) const override { return static_cast<double>(batch.token_count()); }
  double train(model::Model& model, const TokenBatch&, double scale, GradientSink& sink) override {
    log.push_back("train");
    scales.push_back(scale);
    const ArenaLayout& layout = model.arena().layout();
    for (std::size_t p = 0; p < layout.parameters.size(); ++p) sink.gradient(p).fill_(value);
    if (bad_parameter) sink.gradient(*bad_parameter).view({-1})[1] = NAN;
    for (std::size_t b = layout.blocks.size(); b-- > 0;) sink.block_final(b);
    return loss;
  }
  std::vector<objective::SequenceScore> score(const model::Model&, const TokenBatch&,
                                              nn::AdapterMode) const override {
    return {};
  }
  Log& log;
  float value = 0.5f;
  double loss = 12;
  std::optional<std::size_t> bad_parameter;
  std::vector<double> scales;
};

struct RecordingOptimizer final : optim::Optimizer {
  explicit RecordingOptimizer(Log& l) : log(l) {}
  void update(const optim::StepInput& in) override {
    log.push_back("update");
    const optim::Piece& all = in.pieces.at(0);
    gradient.assign(all.gradient, all.gradient + all.range.length());
    lr = in.lr;
    update_number = in.step;
    static_cast<float*>(all.weights)[0] += 1;
  }
  std::vector<StateTensor> state() override { return {}; }
  Log& log;
  std::vector<float> gradient;
  double lr = 0;
  std::int64_t update_number = 0;
};

// A step of fakes around a real arena: one block, lora_A [4, 64] and lora_B [96, 4].
struct FakeStep {
  Log log;
  TinyRun tiny;
  LoggedSource source{log};
  ScriptedObjective objective{log};
  RecordingOptimizer optimizer{log};
  LoggedReduction reduction{log};
  double max_grad_norm = 0;
  int ranks = 1;
  std::int64_t earlier_updates = 0;

  explicit FakeStep(std::int64_t bins = 2, at::ScalarType compute = at::kFloat)
      : tiny(with_compute(lora_spec(0, {"layers.1.mlp.up_proj"}), compute)) {
    for (std::int64_t b = 0; b < bins; ++b)
      source.plan.bins.push_back(batch_of(Golden("samples.safetensors"), b, b + 1));
    source.plan.epoch = 0.75;
  }
  double weight() const {
    double sum = 0;
    for (const TokenBatch& bin : source.plan.bins) sum += objective.weight(bin);
    return sum;
  }
  StepResult run(std::int64_t step) {
    EchoCommunicator communicator(log, ranks);
    tiny.gradients.set_reduction(&reduction);
    train::StepParts parts{tiny.model,
                           objective,
                           optimizer,
                           [](std::int64_t t) { return 0.5 * static_cast<double>(t); },
                           0.1,
                           max_grad_norm,
                           communicator,
                           tiny.gradients,
                           tiny.clock,
                           tiny.loss_scale,
                           earlier_updates};
    return train::run_step(parts, source, step);
  }
};

void expect_not_finite(FakeStep& fake, const std::string& naming) {
  const std::vector<float> before = fake.tiny.weights();
  try {
    fake.run(7);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.exit(), Exit::not_finite);
    EXPECT_NE(std::string(e.what()).find("step 7"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find(naming), std::string::npos) << e.what();
  }
  EXPECT_EQ(std::count(fake.log.begin(), fake.log.end(), "update"), 0);
  EXPECT_EQ(fake.tiny.weights(), before);
}

}  // namespace

TEST(Step, HandsBlocksToTheReductionOnTheLastMicroBatchOnly) {
  FakeStep fake(3);
  fake.run(1);
  EXPECT_EQ(fake.log, (Log{"next_step", "all_reduce", "train", "train", "train", "block 0", "finish",
                           "all_reduce", "update"}));
}

TEST(Step, DividesByTheWeightOfAllBinsOfAllRanks) {
  FakeStep fake;
  fake.ranks = 3;
  const double total = 3 * fake.weight();
  const StepResult result = fake.run(5);
  EXPECT_EQ(fake.objective.scales, (std::vector<double>{1 / total, 1 / total}));
  EXPECT_DOUBLE_EQ(result.loss, 3 * 2 * 12 / total);
  EXPECT_EQ(result.tokens, static_cast<std::int64_t>(total));
  EXPECT_EQ(result.supervised_tokens, static_cast<std::int64_t>(total));
  EXPECT_EQ(result.epoch, 0.75);
  EXPECT_DOUBLE_EQ(result.lr, 0.1 * 0.5 * 4);  // the schedule counts updates done
  EXPECT_EQ(fake.optimizer.lr, result.lr);
}

TEST(Step, ClipsAsPyTorchDoesAndReportsTheNormBefore) {
  const double count = 4 * 64 + 96 * 4, norm = 0.5 * std::sqrt(count);
  for (const double limit : {0.0, 1.0, 100.0}) {
    FakeStep fake(1);
    fake.max_grad_norm = limit;
    EXPECT_NEAR(fake.run(1).grad_norm, norm, 1e-6 * norm);
    const double factor = limit > 0 ? std::min(1.0, limit / (norm + 1e-6)) : 1.0;
    EXPECT_FLOAT_EQ(fake.optimizer.gradient[0], static_cast<float>(0.5 * factor));
    if (factor == 1.0) {
      EXPECT_EQ(fake.optimizer.gradient[0], 0.5f);
    }
  }
}

TEST(Step, BeginsWithCleanGradients) {
  FakeStep fake(1);
  fake.run(1);
  fake.source.plan.bins.clear();  // no bin at all: nothing is added
  EXPECT_EQ(fake.run(2).grad_norm, 0.0);
  EXPECT_EQ(fake.run(3).loss, 0.0);
}

TEST(Step, GradientNotFiniteEndsBeforeAnyWeightMoves) {
  FakeStep fake;
  fake.objective.bad_parameter = 1;
  expect_not_finite(fake, "model.layers.1.mlp.up_proj.lora_B.weight");
}

TEST(Step, LossNotFiniteEndsBeforeAnyWeightMoves) {
  for (const double loss : {std::nan(""), HUGE_VAL}) {
    FakeStep fake;
    fake.objective.loss = loss;
    expect_not_finite(fake, "loss is not finite");
  }
}

TEST(Step, Fp16ScalesTheLossAndTakesTheScaleOutAgain) {
  FakeStep plain, scaled(2, at::kHalf);
  scaled.tiny.loss_scale.value = 1024;
  scaled.objective.value = 0.5f * 1024;
  const StepResult expected = plain.run(1), result = scaled.run(1);
  EXPECT_EQ(scaled.objective.scales[0], 1024 * plain.objective.scales[0]);
  EXPECT_EQ(result.loss, expected.loss);
  EXPECT_EQ(result.grad_norm, expected.grad_norm);
  EXPECT_EQ(scaled.optimizer.gradient, plain.optimizer.gradient);
  EXPECT_EQ(result.loss_scale, 1024);
  EXPECT_EQ(expected.loss_scale, 0);
}

TEST(Step, Fp16OverflowSkipsTheUpdateHalvesTheScaleAndIsNotCounted) {
  FakeStep fake(2, at::kHalf);
  fake.earlier_updates = 40;
  fake.objective.bad_parameter = 1;
  const std::vector<float> before = fake.tiny.weights();
  for (const std::int64_t step : {1, 2}) {
    const StepResult skipped = fake.run(step);
    EXPECT_TRUE(skipped.skipped);
    EXPECT_EQ(skipped.loss_scale, step == 1 ? 65536 : 32768);
    EXPECT_EQ(skipped.lr, 0.0);  // the schedule stays where it was
  }
  EXPECT_EQ(fake.tiny.weights(), before);
  EXPECT_EQ(fake.tiny.loss_scale, (LossScale{16384, 0, 2, 2}));
  fake.objective.bad_parameter.reset();
  EXPECT_FALSE(fake.run(3).skipped);
  EXPECT_EQ(fake.optimizer.update_number, 40 + 1);  // the first update of this run
  const StepResult second = fake.run(4);
  EXPECT_DOUBLE_EQ(second.lr, 0.1 * 0.5 * 1);
  EXPECT_EQ(fake.optimizer.update_number, 40 + 2);
  EXPECT_EQ(fake.tiny.loss_scale, (LossScale{16384, 2, 2, 0}));
}

TEST(Step, Fp16EndsAfterTwentySkipsInARow) {
  FakeStep fake(1, at::kHalf);
  fake.objective.loss = HUGE_VAL;
  for (std::int64_t step = 1; step < 20; ++step) EXPECT_TRUE(fake.run(step).skipped);
  try {
    fake.run(20);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.exit(), Exit::not_finite);
    EXPECT_EQ(e.code(), "NT002");
    EXPECT_NE(std::string(e.what()).find("step 20"), std::string::npos) << e.what();
  }
}

TEST(Step, NotFiniteWeightOfARealModelIsFound) {
  TinyRun run(full_spec());
  const auto& parameters = run.model.arena().layout().parameters;
  for (std::size_t p = 0; p < parameters.size(); ++p)
    if (parameters[p].name == "model.layers.1.mlp.down_proj.weight") run.model.arena().master(p)[5] = NAN;
  ListSource source(4, 4, one_bin);
  try {
    run.step(source, 3);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit(), Exit::not_finite);
    EXPECT_NE(std::string(e.what()).find("step 3"), std::string::npos);
    EXPECT_NE(std::string(e.what()).find("first in model."), std::string::npos) << e.what();
  }
}

}  // namespace hone::test
