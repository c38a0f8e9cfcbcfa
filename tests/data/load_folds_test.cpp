// The rows of each fold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "data/load/folds.h"
#include "tests/data/fakes.h"

namespace hone::data {
namespace {

TEST(Folds, EveryRowIsHeldOutOnceAndTrainedOnOtherwise) {
  for (const std::int64_t rows : {5, 23, 100}) {
    std::vector<std::int64_t> held_out;
    for (std::int64_t fold = 0; fold < 5; ++fold) {
      const FoldRows cut = fold_rows(rows, {fold, 5}, 42);
      EXPECT_TRUE(std::is_sorted(cut.train.begin(), cut.train.end()));
      EXPECT_TRUE(std::is_sorted(cut.held_out.begin(), cut.held_out.end()));
      EXPECT_NEAR(static_cast<double>(cut.held_out.size()), static_cast<double>(rows) / 5, 1.0);
      std::set<std::int64_t> all(cut.train.begin(), cut.train.end());
      all.insert(cut.held_out.begin(), cut.held_out.end());
      EXPECT_EQ(all.size(), static_cast<std::size_t>(rows));
      EXPECT_EQ(cut.train.size() + cut.held_out.size(), all.size());
      held_out.insert(held_out.end(), cut.held_out.begin(), cut.held_out.end());
    }
    std::sort(held_out.begin(), held_out.end());
    for (std::int64_t row = 0; row < rows; ++row) EXPECT_EQ(held_out[static_cast<std::size_t>(row)], row);
  }
}

TEST(Folds, DependOnTheSeedAndNothingElse) {
  EXPECT_EQ(fold_rows(100, {1, 5}, 42).held_out, fold_rows(100, {1, 5}, 42).held_out);
  EXPECT_NE(fold_rows(100, {1, 5}, 42).held_out, fold_rows(100, {1, 5}, 43).held_out);
  std::vector<std::int64_t> every_fifth;
  for (std::int64_t row = 1; row < 100; row += 5) every_fifth.push_back(row);
  EXPECT_NE(fold_rows(100, {1, 5}, 42).held_out, every_fifth);  // rows that lie together are parted
}

TEST(Folds, MoreThanRowsAreRefused) {
  EXPECT_THAT(fakes::error_of([] { fold_rows(4, {0, 5}, 42); }), testing::StartsWith("error[DS020]"));
}

TEST(Folds, ASubsetReadsTheRowsItNames) {
  std::vector<Sample> samples(4);
  for (std::int64_t row = 0; row < 4; ++row) {
    Sample& sample = samples[static_cast<std::size_t>(row)];
    sample.row = row;
    sample.ids.assign(static_cast<std::size_t>(row) + 1, static_cast<std::int32_t>(row));
    sample.supervised.assign(sample.ids.size(), row == 3);
  }
  const RowSubset subset(std::make_shared<VectorSet>(samples), {3, 1});
  EXPECT_EQ(subset.size(), 2);
  EXPECT_EQ(subset.length(0), 4);
  EXPECT_TRUE(subset.has_target(0));
  EXPECT_FALSE(subset.has_target(1));
  EXPECT_EQ(subset.read(1).row, 1);
  EXPECT_EQ(subset.row(0), 3);
  EXPECT_EQ(subset.where(0), "row 3");
}

}  // namespace
}  // namespace hone::data
