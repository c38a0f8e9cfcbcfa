#include "checkpoint/file_plan.h"

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace hone::checkpoint {
namespace {

TEST(FilePlan, CutsRangesWhereAFileIsFull) {
  const auto files = plan_files({"a", "b"}, {{0, 5}, {10, 12}}, 4);
  ASSERT_EQ(files.size(), 4u);
  EXPECT_EQ(files[0], (std::vector<FilePart>{{"a", {{0, 4}}}}));
  EXPECT_EQ(files[1], (std::vector<FilePart>{{"a", {{4, 5}, {10, 12}}}, {"b", {{0, 1}}}}));
  EXPECT_EQ(files[2], (std::vector<FilePart>{{"b", {{1, 5}}}}));
  EXPECT_EQ(files[3], (std::vector<FilePart>{{"b", {{10, 12}}}}));
}

TEST(FilePlan, RankWithoutShardsWritesNoFile) {
  EXPECT_TRUE(plan_files({"a"}, {}, 4).empty());
}

TEST(FilePlan, AFileWithoutRoomIsABug) {
  EXPECT_THROW(plan_files({"a"}, {{0, 1}}, 0), Error);
}

TEST(FilePlan, OnlyItsOwnNamesAreShardFiles) {
  EXPECT_TRUE(is_shard_file_name(shard_file_name(3, 12)));
  EXPECT_TRUE(is_shard_file_name(shard_file_name(123456, 0)));
  for (const char* name :
       {"", "rank-1-2.h5", "rank-00001-00002", "rank-00001-00002.h5 ", "rank--0001-00002.h5",
        "../rank-00001-00002.h5", "rank-00001-00002.h5/..", "Rank-00001-00002.h5"})
    EXPECT_FALSE(is_shard_file_name(name)) << name;
}

}  // namespace
}  // namespace hone::checkpoint
