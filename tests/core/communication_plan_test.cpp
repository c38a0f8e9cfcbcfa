// What a plan says ranks send against what they send.
#include "core/train/communication_plan.h"

#include <gtest/gtest.h>

#include "core/model/memory.h"
#include "core/train/sharded_gradients.h"
#include "dist/gradient_sync.h"
#include "dist/stop_signal.h"
#include "dist/thread_communicator.h"
#include "tests/core/fakes.h"

namespace hone::test {
namespace {

using Payload = Traffic::Count;

// Counts what goes through another communicator.
class CountingCommunicator final : public Communicator {
 public:
  explicit CountingCommunicator(Communicator& inner) : inner_(inner) {}
  int rank() const override { return inner_.rank(); }
  int world_size() const override { return inner_.world_size(); }
  WorkPtr all_reduce(CommBuffer buffer, ReduceOp op) override {
    ++reduced.calls;
    reduced.bytes += buffer.count * width(buffer.type);
    return inner_.all_reduce(buffer, op);
  }
  WorkPtr reduce_scatter(CommBuffer in, CommBuffer out, ReduceOp op) override {
    return inner_.reduce_scatter(in, out, op);
  }
  WorkPtr all_gather(CommBuffer in, CommBuffer out) override { return inner_.all_gather(in, out); }
  WorkPtr broadcast(CommBuffer buffer, int root) override { return inner_.broadcast(buffer, root); }
  WorkPtr all_to_all(CommBuffer in, CommBuffer out) override { return inner_.all_to_all(in, out); }
  WorkPtr barrier() override { return inner_.barrier(); }
  Payload reduced;

 private:
  static std::int64_t width(CommType type) {
    return type == CommType::f64 || type == CommType::i64   ? 8
           : type == CommType::u8                           ? 1
           : type == CommType::f32 || type == CommType::i32 ? 4
                                                            : 2;
  }
  Communicator& inner_;
};

train::ShardedStep step_of(std::vector<model::Segment> segments, int stage, int ranks,
                           std::int64_t micro_batches = 1) {
  return {.segments = std::move(segments),
          .sharding = {stage, ranks, 64},
          .element_bytes = 2,
          .micro_batches = micro_batches};
}

Payload total(const train::ShardedStep& step, CollectiveKind kind) {
  return train::total(communication_plan(step), kind);
}

constexpr std::int64_t kEmbedding = 1024, kBlock = 1000 * 256, kHead = 256;
std::vector<model::Segment> full_model() { return {{kEmbedding, 0}, {kBlock, 0}, {kBlock, 0}, {kHead, 0}}; }

}  // namespace

TEST(CommunicationPlan, AtStageZeroIsWhatAStepOfTwoRanksSends) {
  const formats::ModelFiles files = formats::open_model(golden_path("tiny_llama"));
  for (const model::BuildSpec& spec : {full_spec(), lora_spec(), lora_spec(0, {"q_proj"})}) {
    Payload counted;
    dist::run_ranks(2, [&](Communicator& communicator) {
      CountingCommunicator counting(communicator);
      TinyRun run(spec);
      const auto reduction =
          dist::make_gradient_reduction(run.gradients.flat(), run.model.arena().layout(), counting);
      ListSource source(4, 4, [&](std::vector<TokenBatch> samples) {
        return std::vector<TokenBatch>(samples.begin() + 2 * communicator.rank(),
                                       samples.begin() + 2 * communicator.rank() + 2);
      });
      run.step(source, 1, counting, *reduction);
      dist::stop_agreed(counting, false);
      if (communicator.rank() == 0) counted = counting.reduced;
    });
    const train::ShardedStep step = step_of(model::segments_of(files, spec), 0, 2, 2);
    EXPECT_EQ(total(step, CollectiveKind::all_reduce), counted)
        << counted.calls << " calls, " << counted.bytes;
    EXPECT_EQ(total(step, CollectiveKind::all_gather), Payload{});
  }
}

TEST(CommunicationPlan, SumsBucketsOfAMebibyteFromTheEndAsTheReductionMakesThem) {
  ArenaLayoutBuilder builder;
  std::vector<model::Segment> segments;
  for (const std::int64_t length : {300000, 256, 100000, 200000, 512, 280000, 1024}) {
    builder.begin_block("layers." + std::to_string(segments.size()));
    builder.add("p" + std::to_string(segments.size()), {length}, true);
    segments.push_back({(length + 255) / 256 * 256, 0});
  }
  const ArenaLayout layout = builder.finish();
  std::vector<float> gradient(layout.size);
  Payload counted;
  dist::run_ranks(2, [&](Communicator& communicator) {
    CountingCommunicator counting(communicator);
    std::vector<float> own(layout.size);
    dist::make_gradient_reduction(own, layout, counting)->finish();
    if (communicator.rank() == 0) counted = counting.reduced;
  });
  const std::int64_t agreements = 3, agreed = 16 + 8 + 4;
  EXPECT_EQ(total(step_of(segments, 0, 2), CollectiveKind::all_reduce),
            (Payload{counted.calls + agreements, counted.bytes + agreed}));
}

TEST(CommunicationPlan, ShardedStagesSendPaddedBlocks) {
  const int ranks = 7;  // divides nothing
  const auto padded = [&](std::int64_t n) { return (n + ranks * 64 - 1) / (ranks * 64) * 64 * ranks; };
  const std::int64_t all = padded(kEmbedding) + 2 * padded(kBlock) + padded(kHead);
  for (const int stage : {1, 2}) {
    const train::ShardedStep step = step_of(full_model(), stage, ranks, 3);
    const std::int64_t reductions = stage == 1 ? 1 : 3;
    EXPECT_EQ(total(step, CollectiveKind::reduce_scatter), (Payload{4 * reductions, 4 * all * reductions}));
    EXPECT_EQ(total(step, CollectiveKind::all_gather), (Payload{4, 2 * all}));
    EXPECT_EQ(total(step, CollectiveKind::all_reduce), (Payload{4, 52}));  // agreements, the norm among them
  }
  const train::ShardedStep step = step_of(full_model(), 3, ranks, 3);
  EXPECT_EQ(total(step, CollectiveKind::reduce_scatter), (Payload{12, 3 * 4 * all}));
  EXPECT_EQ(total(step, CollectiveKind::all_gather), (Payload{18, 3 * 2 * (all + 2 * padded(kBlock))}));
}

TEST(CommunicationPlan, AtStageThreeGathersBlocksTwiceAMicroBatchAndTheRestOnce) {
  const std::vector<model::Segment> segments{{0, 1001}, {256, 500}, {256, 500}, {0, 10}};
  const std::int64_t blocks = 2 * (512 + 2 * 256), embedding = 1024, head = 256;
  EXPECT_EQ(total(step_of(segments, 3, 4, 2), CollectiveKind::all_gather).bytes,
            2 * (embedding + 2 * blocks + head));
}

// Counted by the ranks' own communicators, over one step; fp32.
TEST(CommunicationPlan, AtEveryStageIsWhatRanksCount) {
  const formats::ModelFiles files = formats::open_model(golden_path("tiny_llama"));
  model::BuildSpec nf4 = lora_spec();
  nf4.nf4 = true;
  for (const model::BuildSpec& spec : {full_spec(), lora_spec(), nf4})
    for (const int ranks : {2, 3})
      for (const int stage : {1, 2, 3}) {
        Traffic counted;
        dist::run_ranks(ranks, [&](Communicator& communicator) {
          model::BuildSpec mine = spec;
          mine.sharding = {stage, 64, &communicator};
          TinyRun run(mine);
          const model::Arena& arena = run.model.arena();
          run.optimizer = optim::make_optimizer({}, arena.layout(), arena.owned());
          train::ShardedGradients gradients(arena.layout(), arena.sharding(), /*tree=*/false);
          ListSource source(2 * ranks, 2 * ranks, [&](std::vector<TokenBatch> samples) {
            return std::vector<TokenBatch>{samples[2 * communicator.rank()],
                                           samples[2 * communicator.rank() + 1]};
          });
          run.step(source, 1, communicator, gradients);
          dist::stop_agreed(communicator, false);
          if (communicator.rank() == 0) counted = communicator.traffic();
        });
        train::ShardedStep step = step_of(model::segments_of(files, spec), stage, ranks, 2);
        step.element_bytes = 4;
        const auto expect = [&](CollectiveKind kind, const Traffic::Count& count) {
          EXPECT_EQ(total(step, kind).calls, count.calls) << name_of(kind) << ", stage " << stage;
          EXPECT_EQ(total(step, kind).bytes, count.bytes) << name_of(kind) << ", stage " << stage;
        };
        expect(CollectiveKind::all_reduce, counted.all_reduce);
        expect(CollectiveKind::reduce_scatter, counted.reduce_scatter);
        expect(CollectiveKind::all_gather, counted.all_gather);
      }
}

TEST(CommunicationPlan, OneRankSendsNothing) {
  EXPECT_TRUE(communication_plan(step_of(full_model(), 3, 1)).empty());
}

}  // namespace hone::test
