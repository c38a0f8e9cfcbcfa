// The training loop, with every port faked; evaluation.
#include <gtest/gtest.h>

#include <cmath>

#include "core/train/evaluator.h"
#include "tests/core/fakes.h"

namespace hone::test {
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
  void on_evaluation(std::int64_t step, const EvalResult&, const BestSoFar& best) override {
    log.push_back("eval " + std::to_string(step) + (step > 0 && best.step == step ? " best" : ""));
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
  EXPECT_EQ(fake.run({.total_steps = 7, .eval_every = {3}, .save_every = {2}}), train::Outcome::finished);
  EXPECT_EQ(fake.log,
            (Log{"step 1", "step 2", "save 2", "step 3", "eval 3 best", "save 3", "step 4", "save 4",
                 "step 5", "step 6", "eval 6", "save 6", "step 7", "eval 7 best", "save 7"}));
  ASSERT_EQ(fake.checkpoints.states.size(), 5u);
  const TrainState& at_six = fake.checkpoints.states[3];
  EXPECT_EQ(at_six.best, (BestSoFar{3.0, 3, 1}));
  EXPECT_EQ(at_six.cursor, (Cursor{0, 6}));  // of the next step
  EXPECT_EQ(fake.state.best, (BestSoFar{2.0, 7, 0}));
}

TEST(Training, EveryNeverMeansAtTheEndOnlyAndNoEvaluation) {
  FakeRun fake;
  EXPECT_EQ(fake.run({.total_steps = 3}), train::Outcome::finished);
  EXPECT_EQ(fake.log, (Log{"step 1", "step 2", "step 3", "save 3"}));
}

TEST(Training, AnEvaluationThatIsNotANumberIsNeverTheBest) {
  FakeRun fake;
  fake.eval_losses = {std::nan(""), 4.0, std::nan("")};
  fake.run({.total_steps = 3, .eval_every = {1}});
  EXPECT_EQ(fake.state.best, (BestSoFar{4.0, 2, 1}));
}

TEST(Training, EvaluatesAndSavesByEpochs) {
  FakeRun fake;
  fake.source.samples = 4;  // an epoch is four steps
  fake.eval_losses = {5, 4, 3, 2, 1};
  fake.run(
      {.total_steps = 9, .eval_every = {0, 0.5}, .save_every = {0, 2}, .best = {.metric = "perplexity"}});
  EXPECT_EQ(fake.log, (Log{"step 1", "step 2", "eval 2 best", "save 2", "step 3", "step 4", "eval 4 best",
                           "save 4", "step 5", "step 6", "eval 6 best", "save 6", "step 7", "step 8",
                           "eval 8 best", "save 8", "step 9", "eval 9 best", "save 9"}));
}

TEST(Training, AnEvaluationBeforeTheFirstStepIsToldAndNeverTheBest) {
  FakeRun fake;
  fake.eval_losses = {1.0, 3.0, 2.0};
  fake.run({.total_steps = 2, .eval_every = {1}, .eval_on_start = true});
  EXPECT_EQ(fake.log, (Log{"eval 0", "step 1", "eval 1 best", "save 1", "step 2", "eval 2 best", "save 2"}));
  fake.log.clear();
  fake.run({.total_steps = 2, .eval_on_start = true});  // gone on with: not again
  EXPECT_TRUE(fake.log.empty());
}

TEST(Training, EndsWhenPatienceDoesAndAgainStraightAwayWhenGoneOnWith) {
  FakeRun fake;
  fake.eval_losses = {3.0, 2.95, 2.9, 2.2, 2.5, 2.4, 9.0};
  const train::TrainPlan plan{
      .total_steps = 20, .eval_every = {1}, .best = {.patience = 2, .threshold = 0.5}};
  // 2.95 and 2.9 are better than 3.0 but gain too little; 2.9 is the second without a gain.
  EXPECT_EQ(fake.run(plan), train::Outcome::finished);
  EXPECT_EQ(fake.state.step, 3);
  EXPECT_EQ(fake.state.best, (BestSoFar{2.9, 3, 2}));
  EXPECT_EQ(fake.log.back(), "save 3");
  fake.log.clear();
  EXPECT_EQ(fake.run(plan), train::Outcome::finished);
  EXPECT_TRUE(fake.log.empty());
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
  std::vector<std::vector<std::byte>> optimizer;
  TrainState state;

  explicit MemoryRun(const model::BuildSpec& spec) : tiny(spec) {
    checkpoints.on_save = [this] {
      weights = tiny.weights();
      optimizer.clear();
      for (const auto& s : tiny.optimizer->state())
        optimizer.emplace_back(s.bytes().begin(), s.bytes().end());
    };
  }
  void restore(const MemoryRun& from) {
    state = from.checkpoints.states.back();
    tiny.model.arena().restore(at::tensor(from.weights));
    auto tensors = tiny.optimizer->state();
    for (std::size_t i = 0; i < tensors.size(); ++i)
      std::copy(from.optimizer[i].begin(), from.optimizer[i].end(), tensors[i].bytes().begin());
    source.seek(state.cursor);
  }
  train::Outcome run(std::int64_t steps, std::int64_t stop_after = -1) {
    tiny.loss_scale = state.loss_scale;
    train::TrainerPorts ports{[this](std::int64_t step) {
                                const StepResult result = tiny.step(source, step);
                                state.loss_scale = tiny.loss_scale;
                                return result;
                              },
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
  for (const auto& [compute, master] : {std::pair(at::kFloat, at::kFloat),
                                        {at::kBFloat16, at::kFloat},
                                        {at::kBFloat16, at::kBFloat16},
                                        {at::kHalf, at::kFloat}}) {
    model::BuildSpec spec = with_compute(lora_spec(0.2), compute);
    spec.master = master;
    MemoryRun whole(spec), first(spec), second(spec);
    // In fp16 some of the first steps overflow: what was skipped and the scale must come along.
    for (MemoryRun* run : {&whole, &first}) run->state.loss_scale.value = 0x1p26;
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
    EXPECT_EQ(second.state.loss_scale, whole.state.loss_scale);
    EXPECT_EQ(whole.state.loss_scale.skipped > 0, compute == at::kHalf);
  }
}

TEST(Training, InFp16EndsNearlyWhereFp32Does) {
  for (const bool full : {true, false}) {
    const model::BuildSpec spec = full ? full_spec() : lora_spec();
    MemoryRun wide(spec), half(with_compute(spec, at::kHalf));
    wide.run(20), half.run(20);
    for (std::size_t i = 0; i < 20; ++i)
      EXPECT_NEAR(half.observer.losses[i] / wide.observer.losses[i], 1.0, 2e-3) << "step " << i + 1;
    EXPECT_LT(wide.observer.losses.back(), 0.95 * wide.observer.losses.front());
  }
}

TEST(Training, StochasticallyRoundedWeightsLearnAsFp32MastersDo) {
  const auto last_losses = [](at::ScalarType master) {
    model::BuildSpec spec = full_spec();
    spec.compute = at::kBFloat16;
    spec.master = master;
    MemoryRun run(spec);
    run.tiny.schedule = [](std::int64_t) { return 1.0; };
    run.run(60);
    const std::vector<double>& losses = run.observer.losses;
    EXPECT_LT(losses.back(), 0.5 * losses.front());
    return (losses[57] + losses[58] + losses[59]) / 3;  // an epoch
  };
  EXPECT_NEAR(last_losses(at::kBFloat16) / last_losses(at::kFloat), 1.0, 0.1);
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
  double right = 0;
  for (const objective::SequenceScore& score : plain.objective->score(plain.model, all))
    right += static_cast<double>(score.right);
  EXPECT_EQ(result.mean_token_accuracy, right / weight);
  EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
  const EvalResult nothing = train::evaluate(
      *run.objective, run.model, [](const train::BatchVisitor&) {}, run.solo);
  EXPECT_EQ(nothing.tokens, 0);
}

}  // namespace hone::test
