#include "core/base/string_distance.h"

#include <gtest/gtest.h>

#include <vector>

namespace hone {

TEST(StringDistance, CountsEditsAndNeighbourSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("rnak", "rank"), 1);
  EXPECT_EQ(edit_distance("ca", "abc"), 3);  // optimal string alignment, not full Damerau-Levenshtein
}

TEST(StringDistance, NearestNameForgivesCaseDashesAndAMissingSection) {
  const std::vector<std::string> known = {"adapter.rank", "optim.lr", "train.batch_size", "max_new_tokens"};
  EXPECT_EQ(nearest_name("adapter.rnak", known), "adapter.rank");
  EXPECT_EQ(nearest_name("Adapter.Rank", known), "adapter.rank");
  EXPECT_EQ(nearest_name("batch-size", known), "train.batch_size");
  EXPECT_EQ(nearest_name("max-new-tokens", known), "max_new_tokens");
  EXPECT_EQ(nearest_name("lr", known), "optim.lr");
  EXPECT_EQ(nearest_name("rank", known), "adapter.rank");
}

TEST(StringDistance, NothingNearIsSaidAsNothing) {
  const std::vector<std::string> known = {"adapter.rank", "optim.lr"};
  EXPECT_EQ(nearest_name("zzzzzzzz", known), "");
  EXPECT_EQ(nearest_name("", known), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'a'), known), "");
}

}  // namespace hone
