// Corpora drawn from by weights: exact shares, passes of each corpus, and the same cursor as without.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <set>

#include "data/load/loader.h"
#include "tests/data/fakes.h"

namespace hone::data {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Weights = std::vector<std::int64_t>;

const std::vector<Weights>& some_weights() {
  static const std::vector<Weights> table{{1},
                                          {3, 1},
                                          {1, 0, 1},
                                          {7, 2, 1},
                                          {1, 1, 1, 1, 1, 1, 1},
                                          {999, 1},
                                          {33, 33, 34},
                                          {50, 30, 15, 4, 1},
                                          {0, 5},
                                          {1, 2, 4, 8, 16, 32},
                                          {101, 103, 107, 109, 113, 1, 1, 1}};
  return table;
}

TEST(MixtureWeights, AreTheLeastWholeNumbersOfTheSameProportion) {
  EXPECT_EQ(mixture_weights({}, 3), Weights{});
  EXPECT_EQ(mixture_weights({"0.7", "0.2", "0.1"}, 3), (Weights{7, 2, 1}));
  EXPECT_EQ(mixture_weights({"2", "1"}, 2), (Weights{2, 1}));
  EXPECT_EQ(mixture_weights({"0.333", ".667"}, 2), (Weights{333, 667}));
  EXPECT_EQ(mixture_weights({"0", "000000004.000000000"}, 2), (Weights{0, 1}));
  EXPECT_EQ(mixture_weights({"1.", "1"}, 2), (Weights{1, 1}));
}

TEST(MixtureWeights, NonsenseIsRefusedInOneLine) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> bad{
      {{"1"}, "1 weights, data.train has 2 inputs"},
      {{"1", "1", "1"}, "3 weights, data.train has 2 inputs"},
      {{"0", "0.0"}, "all are 0"},
      {{"1", "-1"}, "\"-1\" is no number of at least 0"},
      {{"1", ""}, "\"\" is no number"},
      {{"1", "."}, "\".\" is no number"},
      {{"1", "1e3"}, "\"1e3\" is no number"},
      {{"1", "nan"}, "\"nan\" is no number"},
      {{"1", "1.2.3"}, "\"1.2.3\" is no number"},
      {{"1", "0.1234567891"}, "digits before and after the point"},
      {{"1", "12345678901"}, "digits before and after the point"},
      {{"0.123456789", "1"}, "a cycle of more than 1048576"},
      {{"999999999", "999999998"}, "a cycle of more than 1048576"}};
  for (const auto& [weights, says] : bad) {
    const std::string error = fakes::error_of([&] { mixture_weights(weights, 2); });
    EXPECT_THAT(error, StartsWith("error[DS021]: weights refused: data.weights: "));
    EXPECT_THAT(error, HasSubstr(says));
  }
}

TEST(Mixture, AfterAnyNumberOfDrawsEachCorpusHasItsShareToLessThanOne) {
  for (const Weights& weights : some_weights()) {
    const Mixture mixture(weights);
    const std::int64_t cycle = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
    EXPECT_EQ(mixture.cycle(), cycle);
    Weights drawn(weights.size(), 0);
    for (std::int64_t draw = 0; draw < 3 * cycle + 5; ++draw) {
      const Mixture::Turn turn = mixture.at(draw);
      ASSERT_EQ(turn.nth, drawn[turn.corpus]++) << draw;
      for (std::size_t k = 0; k < weights.size(); ++k)
        ASSERT_LT(std::abs(drawn[k] * cycle - (draw + 1) * weights[k]), cycle)
            << "corpus " << k << ", draw " << draw;
      ASSERT_EQ(mixture.draws_until(turn.corpus, turn.nth + 1), draw + 1);
    }
  }
}

TEST(Mixture, IsAsFarAwayAsNearAndLargeCyclesAreBuilt) {
  const Weights weights{900'000, 100'000, 48'576};  // the longest cycle
  const Mixture mixture(weights);
  const std::int64_t cycles = 1'000'000'000;
  const Mixture::Turn first = mixture.at(0), far = mixture.at(1'048'576 * cycles);
  EXPECT_EQ(far.corpus, first.corpus);
  EXPECT_EQ(far.nth, first.nth + cycles * weights[first.corpus]);
  EXPECT_EQ(mixture.draws_until(2, 5 * weights[2]), mixture.draws_until(2, weights[2]) + 4 * 1'048'576);
}

// Rows of a corpus have its number times 1000 as tokens, plus their own.
std::shared_ptr<const SampleSet> corpora_of(const std::vector<int>& sizes) {
  std::vector<Sample> samples;
  for (std::size_t k = 0; k < sizes.size(); ++k)
    for (int row = 0; row < sizes[k]; ++row) {
      Sample sample;
      sample.ids.assign(2 + (row * 7 + k) % 9, static_cast<std::int32_t>(1000 * k) + row);
      sample.supervised.assign(sample.ids.size(), 1);
      samples.push_back(sample);
    }
  return std::make_shared<VectorSet>(std::move(samples));
}

MixRules mix_of(const std::vector<int>& sizes, Weights weights, bool all_exhausted = false) {
  MixRules rules{std::move(weights), {0}, all_exhausted};
  for (const int size : sizes) rules.begins.push_back(rules.begins.back() + size);
  return rules;
}

std::int64_t corpus_of(const MixRules& rules, std::int64_t sample) {
  return std::upper_bound(rules.begins.begin(), rules.begins.end(), sample) - rules.begins.begin() - 1;
}

TEST(TrainingOrder, EachCorpusIsGoneThroughWhollyBeforeItComesAgainWhateverTheEpochs) {
  const std::vector<int> sizes{30, 7, 11};
  const auto set = corpora_of(sizes);
  for (const bool shuffle : {true, false})
    for (const bool all : {false, true}) {
      const MixRules rules = mix_of(sizes, {3, 2, 1}, all);
      const TrainingOrder order(*set, shuffle, 42, rules);
      EXPECT_EQ(order.size(), all ? 64 : 20);  // 11 draws of 1 in 6; 7 of 2 in 6
      std::vector<std::vector<std::int64_t>> drawn(3);
      for (std::int64_t epoch = 0; epoch < 12; ++epoch)
        for (std::int64_t place = 0; place < order.size(); ++place) {
          const std::int64_t sample = order.sample(epoch, place);
          drawn[corpus_of(rules, sample)].push_back(sample);
        }
      for (std::size_t k = 0; k < 3; ++k)
        for (std::size_t pass = 0; (pass + 1) * sizes[k] <= drawn[k].size(); ++pass) {
          const auto from = drawn[k].begin() + static_cast<std::ptrdiff_t>(pass * sizes[k]);
          EXPECT_EQ(std::set<std::int64_t>(from, from + sizes[k]).size(), static_cast<std::size_t>(sizes[k]));
          EXPECT_EQ(std::is_sorted(from, from + sizes[k]), !shuffle);
        }
      EXPECT_GT(drawn[1].size(), 3u * 7);
    }
}

TEST(TrainingOrder, AnEpochEndsWhenTheFirstOrTheLastCorpusIsThrough) {
  const std::vector<int> sizes{30, 7, 11};
  const auto set = corpora_of(sizes);
  for (const Weights& weights : {Weights{3, 2, 1}, Weights{1, 1, 1}, Weights{100, 1, 1}, Weights{1, 0, 5}})
    for (const bool all : {false, true}) {
      const MixRules rules = mix_of(sizes, weights, all);
      const TrainingOrder order(*set, true, 42, rules);
      Weights drawn(3, 0);
      const auto through = [&](std::size_t k) { return drawn[k] >= sizes[k]; };
      for (std::int64_t place = 0; place < order.size(); ++place) {
        bool any = false, every = true;
        for (std::size_t k = 0; k < 3; ++k)
          if (weights[k] > 0) any = any || through(k), every = every && through(k);
        EXPECT_FALSE(all ? every : any) << "at place " << place << " the epoch should have ended";
        ++drawn[static_cast<std::size_t>(corpus_of(rules, order.sample(0, place)))];
      }
      for (std::size_t k = 0; k < 3; ++k) {
        EXPECT_EQ(order.corpora()[k].drawn, drawn[k]);
        if (all && weights[k] > 0) {
          EXPECT_TRUE(through(k));
        }
      }
      EXPECT_TRUE(all || through(0) || through(1) || through(2));
    }
}

TEST(TrainingOrder, OneCorpusWithAWeightIsThePlainOrder) {
  const auto set = corpora_of({40});
  const TrainingOrder plain(*set, true, 7), weighted(*set, true, 7, mix_of({40}, {5}));
  EXPECT_EQ(weighted.size(), 40);
  for (std::int64_t epoch = 0; epoch < 3; ++epoch)
    for (std::int64_t place = 0; place < 40; ++place)
      EXPECT_EQ(weighted.sample(epoch, place), plain.sample(epoch, place));
}

TEST(TrainingOrder, ACorpusWithoutATargetIsRefusedUnlessItsWeightIsZero) {
  std::vector<Sample> samples(4);
  for (Sample& sample : samples) sample.ids = {1, 2}, sample.supervised = {0, 1};
  samples[2].supervised = samples[3].supervised = {0, 0};
  const VectorSet set(samples);
  EXPECT_THAT(fakes::error_of([&] {
                TrainingOrder(set, true, 1, mix_of({2, 2}, {1, 1}));
              }),
              ::testing::AllOf(StartsWith("error[DS014]"), HasSubstr("none of the 2 rows of input 2 has")));
  const TrainingOrder order(set, true, 1, mix_of({2, 2}, {1, 0}));
  EXPECT_EQ(order.size(), 2);
  EXPECT_EQ(order.dropped(), 0);
}

std::vector<std::int32_t> first_tokens(const std::vector<std::unique_ptr<Loader>>& ranks) {
  std::map<std::int64_t, std::int32_t> by_place;
  for (const auto& rank : ranks)
    for (const TokenBatch& batch : rank->next_step().bins)
      for (std::int64_t s = 0; s < batch.sequence_count(); ++s)
        EXPECT_TRUE(by_place.emplace(batch.sample[s], batch.tokens[batch.cu_seqlens[s]]).second);
  std::vector<std::int32_t> tokens;
  for (const auto& [place, token] : by_place) tokens.push_back(token);
  return tokens;
}

std::vector<std::unique_ptr<Loader>> loaders(const std::vector<int>& sizes, int world,
                                             std::int64_t batch_tokens) {
  std::vector<std::unique_ptr<Loader>> ranks;
  for (int rank = 0; rank < world; ++rank)
    ranks.push_back(
        std::make_unique<Loader>(corpora_of(sizes), LoaderRules{.batch_size = 6,
                                                                .batch_tokens = batch_tokens,
                                                                .micro_tokens = 32,
                                                                .rank = rank,
                                                                .world_size = world,
                                                                .mix = mix_of(sizes, {3, 2, 1}, true)}));
  return ranks;
}

TEST(Loader, AMixtureIsTheSameForAnyNumberOfRanksAndGoesOnFromAnyCursor) {
  const std::vector<int> sizes{30, 7, 11};
  for (const std::int64_t batch_tokens : {0, 50}) {
    auto straight = loaders(sizes, 1, batch_tokens);
    auto two = loaders(sizes, 2, batch_tokens), five = loaders(sizes, 5, batch_tokens);
    std::vector<std::int64_t> drawn(3, 0);
    std::int64_t draws = 0;
    while (straight[0]->cursor().epoch < 4) {
      auto resumed = loaders(sizes, 3, batch_tokens);
      for (auto& rank : resumed) rank->seek(straight[0]->cursor());
      const auto expected = first_tokens(straight);
      for (auto* ranks : {&two, &five, &resumed}) EXPECT_EQ(first_tokens(*ranks), expected);
      for (const std::int32_t token : expected) ++drawn[token / 1000], ++draws;
      EXPECT_LT(std::abs(6 * drawn[0] - 3 * draws), 6);
      EXPECT_LT(std::abs(6 * drawn[1] - 2 * draws), 6);
    }
    EXPECT_EQ(draws, 4 * 64);
    EXPECT_EQ(straight[0]->sample_count(), 64);
  }
}

TEST(Loader, TokensOfAMixedEpochAreThoseDrawn) {
  const std::vector<int> sizes{30, 7, 11};
  auto ranks = loaders(sizes, 1, 0);
  const std::int64_t expected = ranks[0]->tokens_per_epoch();
  std::int64_t tokens = 0;
  for (std::int64_t step = ranks[0]->steps_in(1); step > 0; --step)
    for (const TokenBatch& batch : ranks[0]->next_step().bins) tokens += batch.token_count();
  EXPECT_EQ(tokens, expected);
  EXPECT_EQ(ranks[0]->cursor(), (Cursor{1, 0}));
}

}  // namespace
}  // namespace hone::data
