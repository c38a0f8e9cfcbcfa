#include "data/load/bins.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numeric>
#include <set>

#include "tests/data/fakes.h"

namespace hone::data {
namespace {

TEST(Bins, NeverExceedTheBudgetAndCoverEachSampleOnce) {
  for (const bool packing : {true, false})
    for (const int world : {1, 2, 3, 4, 7})
      for (const int count : {0, 1, 2, 5, 64, 300}) {
        const auto lengths = fakes::some_lengths(count, 100, static_cast<unsigned>(world * 1000 + count));
        const auto ranks = plan_bins(lengths, {100, packing, world});
        ASSERT_EQ(ranks.size(), static_cast<std::size_t>(world));
        std::multiset<std::int64_t> seen;
        for (const auto& bins : ranks) {
          EXPECT_EQ(bins.size(), ranks[0].size());
          for (const Bin& bin : bins) {
            std::int64_t tokens = 0;
            for (const auto place : bin) tokens += lengths[place];
            EXPECT_LE(tokens, 100);
            seen.insert(bin.begin(), bin.end());
          }
        }
        EXPECT_EQ(seen.size(), lengths.size());
        EXPECT_EQ(std::set<std::int64_t>(seen.begin(), seen.end()).size(), lengths.size());
      }
}

TEST(Bins, BestFitNeedsHardlyMoreThanTheTokensDo) {
  const auto lengths = fakes::some_lengths(500, 60, 3);
  const double tokens = static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0}));
  EXPECT_LE(plan_bins(lengths, {200, true, 1})[0].size(), std::ceil(tokens / 200 * 1.01));
}

TEST(Bins, RanksGetAboutTheSameNumberOfTokens) {
  const auto lengths = fakes::some_lengths(64, 400, 9);
  for (const bool packing : {true, false}) {
    std::vector<std::int64_t> load;
    for (const auto& bins : plan_bins(lengths, {2048, packing, 4})) {
      load.push_back(0);
      for (const Bin& bin : bins)
        for (const auto place : bin) load.back() += lengths[place];
    }
    const auto [least, most] = std::minmax_element(load.begin(), load.end());
    EXPECT_LT(static_cast<double>(*most), 1.3 * static_cast<double>(*least)) << packing;
  }
}

// Threads take a half of a bin each, or a quarter.
TEST(Bins, HalvesAndQuartersHoldAboutTheSameNumberOfTokens) {
  const std::vector<std::int64_t> lengths = {20, 700, 150, 90, 310, 160, 45, 520, 260, 80, 120, 75};
  const Bin bin = plan_bins(lengths, {4096, true, 1})[0].at(0);
  ASSERT_EQ(bin.size(), lengths.size());
  for (const int parts : {2, 4}) {
    const double part =
        static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0})) / parts;
    for (int cut = 1; cut < parts; ++cut) {
      double nearest = part, tokens = 0;
      for (const std::int64_t place : bin) {
        tokens += static_cast<double>(lengths[place]);
        nearest = std::min(nearest, std::abs(tokens - cut * part));
      }
      EXPECT_LT(nearest, 0.12 * part) << cut << " of " << parts;
    }
  }
  EXPECT_EQ(plan_bins(lengths, {4096, /*packing=*/false, 1})[0].at(0),
            (Bin{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
}

TEST(Bins, TakeSamplesWithoutTokens) {
  for (const std::vector<std::int64_t>& lengths : {std::vector<std::int64_t>{0, 0, 0}, {5, 0, 0, 0}})
    EXPECT_EQ(plan_bins(lengths, {4096, true, 1})[0].at(0).size(), lengths.size());
}

TEST(Bins, OfTheTreeAreTheSameInTheSameOrderOnAnyPowerOfTwoOfRanks) {
  const auto lengths = fakes::some_lengths(37, 100, 5);
  for (const bool packing : {true, false}) {
    const auto alone = plan_bins(lengths, {100, packing, 1, /*tree=*/true})[0];
    EXPECT_TRUE(std::has_single_bit(alone.size()));
    for (const int world : {2, 4, 8}) {
      const auto ranks = plan_bins(lengths, {100, packing, world, true});
      for (std::size_t i = 0; i < alone.size(); ++i)
        EXPECT_EQ(ranks[i % world][i / world], alone[i]) << world;
    }
    const auto few = plan_bins(std::vector<std::int64_t>{10}, {100, packing, 4, true});
    for (std::size_t rank = 0; rank < 4; ++rank) {
      ASSERT_EQ(few[rank].size(), 1u);
      EXPECT_EQ(few[rank][0].empty(), rank > 0);
    }
  }
}

TEST(Bins, WithoutPackingTheOrderIsKept) {
  const std::vector<std::int64_t> lengths{5, 5, 5, 1, 9, 2};
  EXPECT_EQ(plan_bins(lengths, {10, false, 1})[0], (std::vector<Bin>{{0, 1}, {2, 3}, {4}, {5}}));
}

}  // namespace
}  // namespace hone::data
