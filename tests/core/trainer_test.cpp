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
  for (const auto& [compute, master] :
       {std::pair(at::kFloat, at::kFloat), {at::kBFloat16, at::kFloat}, {at::kBFloat16, at::kBFloat16}}) {
    model::BuildSpec spec = lora_spec(0.2);
    spec.compute = compute;
    spec.master = master;
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
  EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
  const EvalResult nothing = train::evaluate(
      *run.objective, run.model, [](const train::BatchVisitor&) {}, run.solo);
  EXPECT_EQ(nothing.tokens, 0);
}

}  // namespace hone::test
