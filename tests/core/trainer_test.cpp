// The step and the training loop, with every port faked.
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"
#include "core/train/evaluator.h"
#include "tests/core/fakes.h"

namespace hone::test {
namespace {

using Log = std::vector<std::string>;

struct LoggedSource final : BatchSource {
  explicit LoggedSource(Log& l) : log(l) {}
  StepPlan next_step() override {
    log.push_back("next_step");
    return plan;
  }
  Cursor cursor() const override { return {0, steps}; }
  void seek(const Cursor&) override {}
  std::int64_t sample_count() const override { return 1; }
  std::int64_t steps_per_epoch() const override { return 1; }
  Log& log;
  StepPlan plan;
  std::int64_t steps = 0;
};

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
  void update(Range, std::span<float> weights, std::span<const float> g, std::int64_t, double rate) override {
    log.push_back("update");
    gradient.assign(g.begin(), g.end());
    lr = rate;
    weights[0] += 1;
  }
  std::vector<optim::StateTensor> state() override { return {}; }
  std::int64_t granule() const override { return 64; }
  Log& log;
  std::vector<float> gradient;
  double lr = 0;
};

// A step of fakes around a real arena: one block, lora_A [4, 64] and lora_B [96, 4].
struct FakeStep {
  Log log;
  TinyRun tiny{lora_spec(0, {"layers.1.mlp.up_proj"})};
  LoggedSource source{log};
  ScriptedObjective objective{log};
  RecordingOptimizer optimizer{log};
  LoggedReduction reduction{log};
  double max_grad_norm = 0;
  int ranks = 1;

  explicit FakeStep(std::int64_t bins = 2) {
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
    train::StepParts parts{tiny.model,
                           objective,
                           optimizer,
                           [](std::int64_t t) { return 0.5 * static_cast<double>(t); },
                           0.1,
                           max_grad_norm,
                           communicator,
                           reduction,
                           tiny.gradients,
                           tiny.clock};
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

// ---- the loop
// ---------------------------------------------------------------------------------------------------

namespace {

struct MemoryCheckpoints final : CheckpointSink {
  explicit MemoryCheckpoints(Log& l) : log(l) {}
  void save(const TrainState& state) override {
    log.push_back("save " + std::to_string(state.step));
    states.push_back(state);
    if (on_save) on_save();
  }
  Log& log;
  std::vector<TrainState> states;
  std::function<void()> on_save;
};

struct RecordingObserver final : TrainObserver {
  explicit RecordingObserver(Log& l) : log(l) {}
  void on_step(std::int64_t step, const StepResult& result, double seconds) override {
    log.push_back("step " + std::to_string(step));
    losses.push_back(result.loss);
    EXPECT_GE(seconds, 0.0);
  }
  void before_checkpoint() override {}
  void on_evaluation(std::int64_t step, const EvalResult&, bool best) override {
    log.push_back("eval " + std::to_string(step) + (best ? " best" : ""));
  }
  Log& log;
  std::vector<double> losses;
};

struct FakeRun {
  Log log, unused;
  LoggedSource source{unused};
  MemoryCheckpoints checkpoints{log};
  RecordingObserver observer{log};
  train::PhaseClock clock;
  TrainState state;
  std::vector<double> eval_losses;  // empty: no evaluation
  std::int64_t stop_after = -1;

  train::Outcome run(const train::TrainPlan& plan) {
    train::TrainerPorts ports{[this](std::int64_t step) {
                                source.steps = step;
                                return StepResult{};
                              },
                              {},
                              source,
                              checkpoints,
                              observer,
                              [this] { return source.steps == stop_after; },
                              clock};
    if (!eval_losses.empty())
      ports.evaluate = [this, i = std::size_t{0}]() mutable { return EvalResult{eval_losses.at(i++), 1}; };
    return train::run_training(plan, state, ports);
  }
};

}  // namespace

TEST(Training, EvaluatesAndSavesOnTimeAtTheEndAndAtEachNewBest) {
  FakeRun fake;
  fake.eval_losses = {3.0, 5.0, 2.0};
  EXPECT_EQ(fake.run({.total_steps = 7, .eval_every = 3, .save_every = 2}), train::Outcome::finished);
  EXPECT_EQ(fake.log,
            (Log{"step 1", "step 2", "save 2", "step 3", "eval 3 best", "save 3", "step 4", "save 4",
                 "step 5", "step 6", "eval 6", "save 6", "step 7", "eval 7 best", "save 7"}));
  ASSERT_EQ(fake.checkpoints.states.size(), 5u);
  const TrainState& at_six = fake.checkpoints.states[3];
  EXPECT_EQ(at_six.best_step, 3);
  EXPECT_EQ(at_six.best_loss, 3.0);
  EXPECT_EQ(at_six.cursor, (Cursor{0, 6}));  // of the next step
  EXPECT_EQ(fake.state.best_step, 7);
  EXPECT_EQ(fake.state.best_loss, 2.0);
}

TEST(Training, EveryNeverMeansAtTheEndOnlyAndNoEvaluation) {
  FakeRun fake;
  EXPECT_EQ(fake.run({.total_steps = 3}), train::Outcome::finished);
  EXPECT_EQ(fake.log, (Log{"step 1", "step 2", "step 3", "save 3"}));
}

TEST(Training, AnEvaluationThatIsNotANumberIsNeverTheBest) {
  FakeRun fake;
  fake.eval_losses = {std::nan(""), 4.0, std::nan("")};
  fake.run({.total_steps = 3, .eval_every = 1});
  EXPECT_EQ(fake.state.best_step, 2);
  EXPECT_EQ(fake.state.best_loss, 4.0);
}

TEST(Training, AStopRequestSavesTheStepJustDone) {
  FakeRun fake;
  fake.stop_after = 2;
  EXPECT_EQ(fake.run({.total_steps = 5, .save_every = 10}), train::Outcome::stopped);
  EXPECT_EQ(fake.log, (Log{"step 1", "step 2", "save 2"}));
  fake.log.clear();
  EXPECT_EQ(fake.run({.total_steps = 3}), train::Outcome::finished);  // goes on from its state
  EXPECT_EQ(fake.log, (Log{"step 3", "save 3"}));
  EXPECT_EQ(fake.run({.total_steps = 3}), train::Outcome::finished);  // nothing left to do
  EXPECT_EQ(fake.log.size(), 2u);
}

TEST(Training, AStopRequestAtTheLastStepIsTheEnd) {
  FakeRun fake;
  fake.stop_after = 2;
  EXPECT_EQ(fake.run({.total_steps = 2}), train::Outcome::finished);
  EXPECT_EQ(fake.log, (Log{"step 1", "step 2", "save 2"}));
}

namespace {

// A real run of steps over real batches, whose checkpoint is a copy in memory.
struct MemoryRun {
  Log log;
  TinyRun tiny;
  ListSource source{5, 2, one_bin};  // three steps an epoch, the last one short
  RecordingObserver observer{log};
  MemoryCheckpoints checkpoints{log};
  std::vector<float> weights;
  std::vector<std::vector<float>> optimizer;
  TrainState state;

  explicit MemoryRun(const model::BuildSpec& spec) : tiny(spec) {
    checkpoints.on_save = [this] {
      weights = tiny.weights();
      optimizer.clear();
      for (const auto& s : tiny.optimizer->state()) optimizer.emplace_back(s.data.begin(), s.data.end());
    };
  }
  void restore(const MemoryRun& from) {
    state = from.checkpoints.states.back();
    std::copy(from.weights.begin(), from.weights.end(), tiny.model.arena().master().begin());
    tiny.model.arena().publish();
    auto tensors = tiny.optimizer->state();
    for (std::size_t i = 0; i < tensors.size(); ++i)
      std::copy(from.optimizer[i].begin(), from.optimizer[i].end(), tensors[i].data.begin());
    source.seek(state.cursor);
  }
  train::Outcome run(std::int64_t steps, std::int64_t stop_after = -1) {
    train::TrainerPorts ports{[this](std::int64_t step) { return tiny.step(source, step); },
                              {},
                              source,
                              checkpoints,
                              observer,
                              [this, stop_after] { return state.step == stop_after; },
                              tiny.clock};
    return train::run_training({.total_steps = steps}, state, ports);
  }
};

}  // namespace

TEST(Training, TwoHalvesEqualTheWholeToTheLastBit) {
  for (const at::ScalarType compute : {at::kFloat, at::kBFloat16}) {
    model::BuildSpec spec = lora_spec(0.2);
    spec.compute = compute;
    MemoryRun whole(spec), first(spec), second(spec);
    EXPECT_EQ(whole.run(8), train::Outcome::finished);
    EXPECT_EQ(first.run(8, 4), train::Outcome::stopped);
    ASSERT_EQ(first.checkpoints.states.size(), 1u);
    second.restore(first);
    EXPECT_EQ(second.run(8), train::Outcome::finished);
    std::vector<double> losses = first.observer.losses;
    losses.insert(losses.end(), second.observer.losses.begin(), second.observer.losses.end());
    EXPECT_EQ(losses, whole.observer.losses);
    EXPECT_EQ(second.weights, whole.weights);
    EXPECT_EQ(second.optimizer, whole.optimizer);
    EXPECT_EQ(second.state.cursor, whole.state.cursor);
  }
}

TEST(Evaluation, IsTheMeanOverSupervisedTokensHoweverCut) {
  TinyRun run(lora_spec(0.5));  // no dropout in evaluation
  const Golden golden("samples.safetensors");
  const TokenBatch all = batch_of(golden, 0, 6);
  train::ArenaGradients gradients(run.model.arena().layout());
  TinyRun plain(lora_spec());
  const double weight = plain.objective->weight(all);
  const double expected = plain.objective->train(plain.model, all, 1.0, gradients) / weight;
  std::vector<std::int64_t> seen;
  const auto held_out = [&](const train::BatchVisitor& visit) {
    visit(batch_of(golden, 0, 2));
    visit(TokenBatch{});
    visit(batch_of(golden, 2, 6));
  };
  const EvalResult result =
      train::evaluate(*run.objective, run.model, held_out, run.solo, nn::AdapterMode::all,
                      [&](const objective::SequenceScore& s) { seen.push_back(s.sample); });
  EXPECT_NEAR(result.loss / expected, 1.0, 1e-5);
  EXPECT_EQ(result.tokens, static_cast<std::int64_t>(weight));
  EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
  const EvalResult nothing = train::evaluate(
      *run.objective, run.model, [](const train::BatchVisitor&) {}, run.solo);
  EXPECT_EQ(nothing.tokens, 0);
}

}  // namespace hone::test
