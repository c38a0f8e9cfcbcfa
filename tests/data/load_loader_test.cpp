#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "data/load/loader.h"
#include "data/load/prefetch.h"
#include "tests/data/fakes.h"

namespace hone::data {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<std::int64_t> order_of(std::int64_t count, std::uint64_t seed, std::int64_t epoch) {
  const SampleOrder order(count, seed, true);
  std::vector<std::int64_t> indices;
  for (std::int64_t place = 0; place < count; ++place) indices.push_back(order.index(epoch, place));
  return indices;
}

TEST(SampleOrder, IsAPermutationForEverySize) {
  std::vector<std::int64_t> sizes(50);
  std::iota(sizes.begin(), sizes.end(), 1);
  sizes.insert(sizes.end(), {64, 65, 1000, 4097});
  for (const std::int64_t n : sizes)
    for (const std::int64_t epoch : {0, 1, 7}) {
      auto indices = order_of(n, 42, epoch);
      std::sort(indices.begin(), indices.end());
      for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(indices[i], i) << n;
    }
}

TEST(SampleOrder, DiffersBySeedAndEpochAndIsTheFilesWithoutShuffling) {
  EXPECT_EQ(order_of(1000, 42, 0), order_of(1000, 42, 0));
  EXPECT_NE(order_of(1000, 42, 0), order_of(1000, 42, 1));
  EXPECT_NE(order_of(1000, 42, 0), order_of(1000, 43, 0));
  const SampleOrder plain(1000, 42, false);
  for (std::int64_t i = 0; i < 1000; ++i) EXPECT_EQ(plain.index(3, i), i);
}

TEST(SampleOrder, PutsEverySampleEverywhereAboutEquallyOften) {
  for (const std::int64_t n : {3, 5, 16, 37}) {
    const int epochs = 200 * static_cast<int>(n);
    std::vector<int> seen(n * n, 0);
    const SampleOrder order(n, 1, true);
    for (int epoch = 0; epoch < epochs; ++epoch)
      for (std::int64_t place = 0; place < n; ++place) ++seen[place * n + order.index(epoch, place)];
    double chi = 0;
    for (const int count : seen) chi += (count - 200.0) * (count - 200.0) / 200.0;
    const double freedom = static_cast<double>((n - 1) * (n - 1));
    EXPECT_LT(chi, freedom + 5 * std::sqrt(2 * freedom)) << n;
  }
}

TEST(SampleOrder, NeighboursAreSpreadAndFixedPointsRare) {
  const auto indices = order_of(10000, 5, 0);
  double distance = 0;
  int fixed = 0;
  for (std::size_t i = 1; i < indices.size(); ++i) {
    distance += std::abs(static_cast<double>(indices[i] - indices[i - 1]));
    fixed += indices[i] == static_cast<std::int64_t>(i);
  }
  EXPECT_NEAR(distance / 9999, 10000 / 3.0, 120);  // of two independent uniform numbers
  EXPECT_LT(fixed, 8);
}

std::vector<Sample> samples_of(int count, int largest = 40) {
  const auto lengths = fakes::some_lengths(count, largest, 4);
  std::vector<Sample> samples;
  for (int row = 0; row < count; ++row) {
    Sample sample;
    sample.row = row;
    sample.ids.assign(lengths[row] + 1, row);
    sample.supervised.assign(lengths[row] + 1, 1);
    samples.push_back(sample);
  }
  return samples;
}

std::shared_ptr<const SampleSet> set_of(std::vector<Sample> samples) {
  return std::make_shared<VectorSet>(std::move(samples));
}

// (place in the order, row) of every sample of a step over all ranks.
std::map<std::int64_t, std::int64_t> step_content(std::vector<std::unique_ptr<BatchSource>>& ranks) {
  std::map<std::int64_t, std::int64_t> content;
  for (auto& rank : ranks)
    for (const TokenBatch& batch : rank->next_step().bins)
      for (std::int64_t s = 0; s < batch.sequence_count(); ++s)
        EXPECT_TRUE(content.emplace(batch.sample[s], batch.tokens[batch.cu_seqlens[s]]).second);
  return content;
}

std::vector<std::unique_ptr<BatchSource>> loaders(std::shared_ptr<const SampleSet> set, int world,
                                                  LoaderRules rules = {}) {
  rules.micro_tokens = 64;
  std::vector<std::unique_ptr<BatchSource>> ranks;
  for (int rank = 0; rank < world; ++rank) {
    rules.rank = rank;
    rules.world_size = world;
    ranks.push_back(std::make_unique<Loader>(set, rules));
  }
  return ranks;
}

TEST(Loader, SamplesOfAStepAreTheSameForAnyNumberOfRanks) {
  const auto set = set_of(samples_of(103));
  for (const bool packing : {true, false}) {
    auto one = loaders(set, 1, {.packing = packing});
    std::vector<std::map<std::int64_t, std::int64_t>> expected;
    for (int step = 0; step < 16; ++step) expected.push_back(step_content(one));
    for (const int world : {2, 3, 4, 6, 12}) {
      auto ranks = loaders(set, world, {.packing = packing});
      for (int step = 0; step < 16; ++step) EXPECT_EQ(step_content(ranks), expected[step]) << world;
    }
  }
}

TEST(Loader, AnEpochHasEverySampleOnceAndAShortLastBatch) {
  Loader loader(set_of(samples_of(103)), {.micro_tokens = 64});
  EXPECT_EQ(loader.steps_in(1), 7);
  EXPECT_EQ(loader.steps_in(2.5), 18);  // ceil(17.5)
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::set<std::int64_t> rows;
    for (int step = 0; step < 7; ++step) {
      const StepPlan plan = loader.next_step();
      EXPECT_EQ(plan.samples, step == 6 ? 7 : 16);
      EXPECT_DOUBLE_EQ(plan.epoch, epoch + std::min(1.0, 16.0 * (step + 1) / 103));
      for (const TokenBatch& batch : plan.bins) {
        EXPECT_LE(batch.token_count(), 64);
        EXPECT_EQ(batch.epoch, epoch);
        for (std::int64_t s = 0; s < batch.sequence_count(); ++s)
          rows.insert(batch.tokens[batch.cu_seqlens[s]]);
      }
    }
    EXPECT_EQ(rows.size(), 103u);
    EXPECT_EQ(loader.cursor(), (Cursor{epoch + 1, 0}));
  }
}

TEST(Loader, WithoutShufflingAStepIsTheNextRowsOfTheFile) {
  auto ranks = loaders(set_of(samples_of(20)), 1, {.shuffle = false});
  for (const auto& [place, row] : step_content(ranks)) EXPECT_EQ(place, row);
  EXPECT_EQ(ranks[0]->cursor(), (Cursor{0, 16}));
}

TEST(Loader, BatchesArePackedAsTheModelExpects) {
  auto samples = samples_of(3, 1);
  samples[1].supervised = {0, 1};
  Loader loader(set_of(samples), {.batch_size = 3, .shuffle = false});
  const TokenBatch batch = loader.next_step().bins.at(0);
  EXPECT_EQ(batch.tokens, (std::vector<std::int32_t>{0, 0, 2, 2, 1, 1}));
  EXPECT_EQ(batch.positions, (std::vector<std::int32_t>{0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(batch.supervised, (std::vector<std::uint8_t>{1, 1, 1, 1, 0, 1}));
  EXPECT_EQ(batch.cu_seqlens, (std::vector<std::int32_t>{0, 2, 4, 6}));
  EXPECT_EQ(batch.sample, (std::vector<std::int64_t>{0, 2, 1}));
  EXPECT_EQ(batch.slot, (std::vector<std::int32_t>{0, 0, 0}));
  EXPECT_EQ(batch.prefix, (std::vector<std::int32_t>{-1, -1, -1}));
}

TEST(Loader, RowsWithoutATargetAreLeftOutCountedAndListed) {
  auto samples = samples_of(10);
  for (const int row : {2, 3, 9}) samples[row].supervised.assign(samples[row].supervised.size(), 0);
  samples[5].supervised.assign(samples[5].supervised.size(), 0);
  samples[5].supervised[0] = 1;  // the first token is never a target
  const Loader loader(set_of(samples), {.batch_size = 4});
  EXPECT_EQ(loader.sample_count(), 6);
  EXPECT_EQ(loader.steps_in(1), 2);
  EXPECT_EQ(loader.order().dropped(), 4);
  EXPECT_EQ(loader.order().first_dropped(), 2);
  const EligibleRows& rows = loader.order().corpora().at(0).rows;
  EXPECT_EQ(rows.dropped(), (std::vector<std::int64_t>{2, 3, 5, 9}));
  std::vector<std::int64_t> kept;
  for (std::int64_t i = 0; i < rows.count(); ++i) kept.push_back(rows.at(i));
  EXPECT_EQ(kept, (std::vector<std::int64_t>{0, 1, 4, 6, 7, 8}));
  for (Sample& sample : samples) sample.supervised.assign(sample.supervised.size(), 0);
  EXPECT_THAT(fakes::error_of([&] { Loader(set_of(samples), {}); }), StartsWith("error[DS014]"));
}

TEST(Loader, ASampleLargerThanTheBudgetIsRefusedByRow) {
  auto samples = samples_of(10, 5);
  samples[7].ids.assign(65, 1);
  samples[7].supervised.assign(65, 1);
  const std::string error = fakes::error_of([&] { loaders(set_of(samples), 1); });
  EXPECT_THAT(error, StartsWith("error[DS013]"));
  EXPECT_THAT(error, HasSubstr("row 7: 65 tokens, train.micro_tokens is 64"));
}

void expect_equal(const StepPlan& a, const StepPlan& b) {
  EXPECT_EQ(a.samples, b.samples);
  EXPECT_EQ(a.epoch, b.epoch);
  ASSERT_EQ(a.bins.size(), b.bins.size());
  for (std::size_t i = 0; i < a.bins.size(); ++i) {
    EXPECT_EQ(a.bins[i].tokens, b.bins[i].tokens);
    EXPECT_EQ(a.bins[i].sample, b.bins[i].sample);
    EXPECT_EQ(a.bins[i].epoch, b.bins[i].epoch);
  }
}

TEST(Loader, GoingOnFromACursorEqualsTheStraightRun) {
  const auto set = set_of(samples_of(50));
  Loader straight(set, {.micro_tokens = 64});
  for (int step = 0; step < 9; ++step) {
    Loader resumed(set, {.micro_tokens = 64});
    resumed.seek(straight.cursor());
    expect_equal(resumed.next_step(), straight.next_step());
    EXPECT_EQ(resumed.cursor(), straight.cursor());
  }
  for (const Cursor& bad : {Cursor{-1, 0}, Cursor{0, -1}, Cursor{0, 50}})
    EXPECT_THAT(fakes::error_of([&] { straight.seek(bad); }), StartsWith("error[DS016]"));
}

TEST(Loader, ABatchByTokensIsAsManyOfTheNextSamplesAsFitAndAtLeastOne) {
  const auto set = set_of(samples_of(103));
  const SampleOrder order(103, 42, true);
  auto ranks = loaders(set, 2, {.batch_tokens = 90});
  for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
    for (std::int64_t place = 0; place < 103;) {
      std::int64_t tokens = 0, end = place;
      while (end < 103 && (end == place || tokens + set->length(order.index(epoch, end)) <= 90))
        tokens += set->length(order.index(epoch, end++));
      std::map<std::int64_t, std::int64_t> expected;
      for (; place < end; ++place) expected[place] = order.index(epoch, place);
      EXPECT_EQ(step_content(ranks), expected);
    }
  }
  auto alone = loaders(set, 1, {.batch_tokens = 1});
  EXPECT_EQ(step_content(alone).size(), 1u);
}

TEST(Loader, StepsByTokensAreCountedAsTheyComeAndGoOnFromAnyCursor) {
  const auto set = set_of(samples_of(50));
  const LoaderRules rules{.batch_tokens = 100, .micro_tokens = 64};
  Loader straight(set, rules);
  std::vector<std::int64_t> steps(3, 0);  // of each epoch
  while (straight.cursor().epoch < 3) {
    Loader resumed(set, rules);
    resumed.seek(straight.cursor());
    ++steps[static_cast<std::size_t>(straight.cursor().epoch)];
    expect_equal(resumed.next_step(), straight.next_step());
    EXPECT_EQ(resumed.cursor(), straight.cursor());
  }
  EXPECT_EQ(straight.steps_in(1), steps[0]);
  EXPECT_EQ(straight.steps_in(3), steps[0] + steps[1] + steps[2]);
  EXPECT_EQ(straight.steps_in(1.5), steps[0] + (steps[1] + 1) / 2);
}

TEST(Prefetch, EqualsThePlainSourceAndItsCursorIsOfTheNextStep) {
  const auto set = set_of(samples_of(50));
  Loader plain(set, {.micro_tokens = 64});
  PrefetchSource prefetch(std::make_unique<Loader>(set, LoaderRules{.micro_tokens = 64}), 3);
  EXPECT_EQ(prefetch.sample_count(), 50);
  for (int step = 0; step < 20; ++step) {
    EXPECT_EQ(prefetch.cursor(), plain.cursor());
    expect_equal(prefetch.next_step(), plain.next_step());
    if (step == 6) {
      plain.seek({5, 16});
      prefetch.seek({5, 16});
    }
    if (step == 12) {
      EXPECT_THAT(fakes::error_of([&] { prefetch.seek({0, 99}); }), StartsWith("error[DS016]"));
    }
  }
}

class FailingSource : public BatchSource {
 public:
  StepPlan next_step() override {
    if (step_ == 2) throw Error(Exit::input, "H5013", "shard damaged", "x", "y");
    return {{}, ++step_, 0};
  }
  Cursor cursor() const override { return {0, step_}; }
  void seek(const Cursor& cursor) override { step_ = cursor.next_sample; }
  std::int64_t sample_count() const override { return 10; }

 private:
  std::int64_t step_ = 0;
};

TEST(Prefetch, AnErrorComesOutInItsTurn) {
  PrefetchSource prefetch(std::make_unique<FailingSource>(), 4);
  EXPECT_EQ(prefetch.next_step().samples, 1);
  EXPECT_EQ(prefetch.next_step().samples, 2);
  for (int again = 0; again < 2; ++again)
    EXPECT_THAT(fakes::error_of([&] { prefetch.next_step(); }), StartsWith("error[H5013]"));
  prefetch.seek({0, 1});
  EXPECT_EQ(prefetch.next_step().samples, 2);
}

TEST(EvalPass, CoversEveryRowOnceInFileOrderOnAnyNumberOfRanks) {
  auto samples = samples_of(30);
  samples[4].supervised.assign(samples[4].supervised.size(), 0);
  const auto set = set_of(samples);
  for (const int world : {1, 2, 5}) {
    std::set<std::int64_t> rows;
    std::int64_t bins = -1;
    for (int rank = 0; rank < world; ++rank) {
      const EvalPass pass(set, 64, rank, world);
      if (rank > 0) {
        EXPECT_EQ(pass.bin_count(), bins);
      }
      bins = pass.bin_count();
      std::int64_t last = -1;
      for (std::int64_t i = 0; i < bins; ++i) {
        const TokenBatch batch = pass.bin(i);
        EXPECT_LE(batch.token_count(), 64);
        for (std::int64_t s = 0; s < batch.sequence_count(); ++s) {
          EXPECT_EQ(batch.tokens[batch.cu_seqlens[s]], batch.sample[s]);
          EXPECT_GT(batch.sample[s], last);
          EXPECT_TRUE(rows.insert(last = batch.sample[s]).second);
        }
      }
    }
    EXPECT_EQ(rows.size(), 30u);
  }
  EXPECT_THAT(fakes::error_of([&] { EvalPass(set, 8, 0, 1); }), StartsWith("error[DS013]"));
}

}  // namespace
}  // namespace hone::data
