// Threads that take sequences of their own through a model give what all threads together give.
#include "core/model/strands.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "core/base/error.h"
#include "core/model/memory.h"
#include "core/train/gradients.h"
#include "tests/core/fakes.h"

namespace hone::test {
namespace {

constexpr int kThreads = 3;

class Strands : public ::testing::Test {
 protected:
  Strands() { at::set_num_threads(kThreads); }
  ~Strands() override { at::set_num_threads(before_); }
  const int before_ = at::get_num_threads();
};

std::vector<Range> tokens_of(const std::vector<std::int64_t>& cu_seqlens, std::int64_t threads) {
  std::vector<Range> tokens;
  for (const model::StrandCut& cut : model::cut_strands(cu_seqlens, threads)) tokens.push_back(cut.tokens);
  return tokens;
}

// The golden samples over and over.
TokenBatch long_batch(std::int64_t tokens) {
  const Golden golden("samples.safetensors");
  std::vector<TokenBatch> samples;
  for (std::int64_t s = 0, sum = 0; sum < tokens; ++s) {
    samples.push_back(batch_of(golden, s % 10, s % 10 + 1));
    samples.back().sample = {s};  // dropout tells them apart
    sum += samples.back().token_count();
  }
  TokenBatch batch = joined(samples);
  batch.epoch = 2;
  return batch;
}

struct Outcome {
  double loss = 0;
  at::Tensor gradient, hidden;
};

Outcome train_once(const model::BuildSpec& spec, bool recompute) {
  model::Model model = build("tiny_llama", spec, recompute);
  train::ArenaGradients gradients(model.arena().layout());
  const TokenBatch batch = long_batch(kThreads * 300);
  EXPECT_EQ(model::cut_strands(std::vector<std::int64_t>(batch.cu_seqlens.begin(), batch.cu_seqlens.end()),
                               kThreads)
                .size(),
            static_cast<std::size_t>(kThreads));
  Outcome out;
  const auto objective = objective::make_objective({});
  gradients.begin_step();
  for (int micro_batch = 0; micro_batch < 2; ++micro_batch)
    out.loss += objective->train(model, batch, 0.01, gradients);
  out.gradient = gradients.sum().clone();
  out.hidden = model.forward(batch, {}).clone();
  return out;
}

void expect_the_same_with_and_without(model::BuildSpec spec, bool recompute = false) {
  const Outcome strands = train_once(spec, recompute), again = train_once(spec, recompute);
  spec.strands = false;
  const Outcome together = train_once(spec, recompute);
  EXPECT_NEAR(strands.loss, together.loss, 1e-6 * std::abs(together.loss));
  EXPECT_LT(relative_error(strands.gradient, together.gradient), 1e-5);
  EXPECT_LT(relative_error(strands.hidden, together.hidden), 1e-5);
  EXPECT_FALSE(at::equal(strands.gradient, together.gradient)) << "sums were not cut";
  EXPECT_TRUE(at::equal(strands.gradient, again.gradient));
}

struct LoggedSink final : GradientSink {
  at::Tensor gradient(std::size_t parameter) override {
    EXPECT_EQ(parameter, 0u);
    return sum;
  }
  void block_final(std::size_t) override {}
  at::Tensor sum = at::zeros({1});
};

ArenaLayout one_parameter() {
  ArenaLayoutBuilder builder;
  builder.begin_block("layers.0");
  builder.add("w", {1}, false);
  return builder.finish();
}

}  // namespace

TEST_F(Strands, AreCutWhereSequencesEndNearestToEqualParts) {
  EXPECT_EQ(tokens_of({0, 500, 1000, 1500, 2000}, 2), (std::vector<Range>{{0, 1000}, {1000, 2000}}));
  EXPECT_EQ(tokens_of({0, 300, 590, 920, 1200}, 3), (std::vector<Range>{{0, 1200}}))
      << "the second would be 410";
  EXPECT_EQ(tokens_of({0, 300, 590, 900, 1210}, 4),
            (std::vector<Range>{{0, 300}, {300, 590}, {590, 900}, {900, 1210}}));
}

TEST_F(Strands, AreOneWhereSequencesAreLongFewOrThreadsMany) {
  EXPECT_EQ(tokens_of({0, 2000}, 2), (std::vector<Range>{{0, 2000}}));
  EXPECT_EQ(tokens_of({0, 700, 1400, 2100}, 2), (std::vector<Range>{{0, 2100}}));
  EXPECT_EQ(tokens_of({0, 250, 500}, 2), (std::vector<Range>{{0, 500}})) << "short";
  EXPECT_EQ(tokens_of({0, 1000, 2000}, 1), (std::vector<Range>{{0, 2000}}));
  EXPECT_EQ(tokens_of({0, 1000, 2000}, 3), (std::vector<Range>{{0, 2000}}));
}

TEST_F(Strands, TrainAnAdapterUnderDropoutAsOneDoes) {
  expect_the_same_with_and_without(lora_spec(0.2));
  expect_the_same_with_and_without(lora_spec(0.2), /*recompute=*/true);
}

TEST_F(Strands, TrainEveryWeightAsOneDoes) { expect_the_same_with_and_without(full_spec()); }

TEST_F(Strands, TrainOnQuantisedWeightsAsOneDoes) {
  model::BuildSpec spec = lora_spec();
  spec.nf4 = true;
  expect_the_same_with_and_without(spec);
}

TEST_F(Strands, BelowThreadsTheyHaveTheirs) {
  std::mutex mutex;
  std::vector<std::size_t> ran;
  model::for_strands(kThreads, [&](std::size_t strand) {
    EXPECT_TRUE(at::in_parallel_region());
    const std::lock_guard lock(mutex);
    ran.push_back(strand);
  });
  std::sort(ran.begin(), ran.end());
  EXPECT_EQ(ran, (std::vector<std::size_t>{0, 1, 2}));
  model::for_strands(1, [](std::size_t) { EXPECT_FALSE(at::in_parallel_region()); });
}

TEST_F(Strands, AnErrorInOneComesOutAndEndsNoneOfTheOthersEarly) {
  for (std::size_t failing = 0; failing < kThreads; ++failing) {
    std::atomic<int> ended = 0;
    const auto body = [&](std::size_t strand) {
      if (strand == failing) throw Error(Exit::input, "XX001", "broken", "here", "a test");
      ++ended;
    };
    EXPECT_THROW(model::for_strands(kThreads, body), Error);
    EXPECT_EQ(ended, kThreads - 1);
  }
}

TEST_F(Strands, GradientsAreAnnouncedInBackwardOrderOnceAllHaveLeft) {
  const ArenaLayout layout = one_parameter();
  LoggedSink sink;
  std::vector<std::size_t> announced;
  model::StrandGradients gradients(layout, sink, 2, 4,
                                   [&](std::size_t segment) { announced.push_back(segment); });
  gradients.of(1).gradient(0).add_(2);
  gradients.left(1, 3);
  EXPECT_TRUE(announced.empty());
  gradients.of(0).gradient(0).add_(1);
  EXPECT_EQ(sink.sum.item<float>(), 1) << "the other's are its own";
  gradients.left(0, 3);
  EXPECT_EQ(announced, (std::vector<std::size_t>{3}));
  EXPECT_EQ(sink.sum.item<float>(), 3);
  gradients.left(0, 2);
  gradients.left(0, 1);
  gradients.of(1).gradient(0).add_(4);
  gradients.left(1, 2);
  gradients.left(1, 1);
  gradients.finish();
  EXPECT_EQ(announced, (std::vector<std::size_t>{3, 2, 1}));
  EXPECT_EQ(sink.sum.item<float>(), 7);
}

TEST_F(Strands, WhatOneFailsWithEndsTheOthersAndComesOut) {
  const ArenaLayout layout = one_parameter();
  for (std::size_t failing = 0; failing < 2; ++failing) {
    LoggedSink sink;
    model::StrandGradients gradients(layout, sink, 2, 40, [](std::size_t) {});
    model::for_strands(2, [&](std::size_t strand) {
      try {
        gradients.of(strand);
        for (std::size_t segment = 39; segment > 0; --segment) {
          if (strand == failing && segment == 30)
            throw Error(Exit::input, "XX001", "broken", "here", "a test");
          gradients.left(strand, segment);
        }
      } catch (...) {
        gradients.fail(std::current_exception());
      }
    });
    EXPECT_THROW(gradients.finish(), Error);
  }
}

TEST_F(Strands, NoneHoldsMoreBlocksThanAreCountedWhicheverIsSlow) {
  const ArenaLayout layout = one_parameter();
  for (std::size_t slow = 0; slow < kThreads; ++slow) {
    LoggedSink sink;
    std::atomic<std::size_t> announced = 40;
    model::StrandGradients gradients(layout, sink, kThreads, 40,
                                     [&](std::size_t segment) { announced = segment; });
    std::atomic<std::size_t> begun = 0;
    model::for_strands(kThreads, [&](std::size_t strand) {
      GradientSink& own = gradients.of(strand);
      for (++begun; begun < kThreads;) std::this_thread::yield();
      for (std::size_t segment = 39; segment > 0; --segment) {
        if (strand == slow) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        if (strand > 0) {
          EXPECT_LE(announced - segment, static_cast<std::size_t>(model::kStrandBlocks)) << strand;
          own.gradient(0).add_(1);
        }
        gradients.left(strand, segment);
      }
    });
    gradients.finish();
    EXPECT_EQ(announced, 1u);
    EXPECT_EQ(sink.sum.item<float>(), 39 * (kThreads - 1));
  }
}

TEST_F(Strands, FitWhereWhatTheyKeepIsLittle) {
  const formats::ModelFiles files = formats::open_model(golden_path("tiny_llama"));
  EXPECT_TRUE(model::strands_fit(files, lora_spec(), 1));
  EXPECT_TRUE(model::strands_fit(files, {}, 64)) << "nothing is trained";
  EXPECT_FALSE(model::strands_fit(files, full_spec(), 2));
  model::BuildSpec gathered;
  gathered.sharding.stage = 3;
  EXPECT_FALSE(model::strands_fit(files, gathered, 2));
}

}  // namespace hone::test
