#include "checkpoint/file_plan.h"

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace hone::checkpoint {
namespace {

TEST(FilePlan, CutsRangesWhereAFileIsFull) {
  const std::vector<Range> ranges = {{0, 5}, {10, 12}};
  const auto files = plan_files({{"a", 4, ranges}, {"b", 4, ranges}}, 16);
  ASSERT_EQ(files.size(), 4u);
  EXPECT_EQ(files[0], (std::vector<FilePart>{{"a", {{0, 4}}}}));
  EXPECT_EQ(files[1], (std::vector<FilePart>{{"a", {{4, 5}, {10, 12}}}, {"b", {{0, 1}}}}));
  EXPECT_EQ(files[2], (std::vector<FilePart>{{"b", {{1, 5}}}}));
  EXPECT_EQ(files[3], (std::vector<FilePart>{{"b", {{10, 12}}}}));
}

TEST(FilePlan, CountsBytesOfEveryTensorsOwnType) {
  const auto files = plan_files({{"a", 1, {{0, 3}}}, {"b", 4, {{0, 3}}}}, 8);
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0], (std::vector<FilePart>{{"a", {{0, 3}}}, {"b", {{0, 1}}}}));
  EXPECT_EQ(files[1], (std::vector<FilePart>{{"b", {{1, 3}}}}));
}

TEST(FilePlan, RankWithoutShardsWritesNoFile) { EXPECT_TRUE(plan_files({{"a", 4, {}}}, 4).empty()); }

TEST(FilePlan, AFileWithoutRoomIsABug) { EXPECT_THROW(plan_files({{"a", 4, {{0, 1}}}}, 3), Error); }

TEST(ValueRanges, FollowTheShardPlanInTheTensorsUnit) {
  const ArenaLayout layout{{}, {{"a", {0, 256}}, {"b", {256, 320}}}, 320};
  const auto of = [&](const StateSpec& spec, int rank) { return value_ranges(spec, layout, {rank, 2, 64}); };
  EXPECT_EQ(of({"w", StateType::f32, 1, 320}, 0), (std::vector<Range>{{0, 128}, {256, 320}}));
  EXPECT_EQ(of({"w", StateType::f32, 1, 320}, 1), (std::vector<Range>{{128, 256}}));
  EXPECT_EQ(of({"s", StateType::f32, 64, 5}, 0), (std::vector<Range>{{0, 2}, {4, 5}}));
  EXPECT_EQ(of({"s", StateType::f32, 64, 5}, 1), (std::vector<Range>{{2, 4}}));
  EXPECT_EQ(of({"r", StateType::f32, StateSpec::kWhole, 5}, 0), (std::vector<Range>{{0, 3}}));
  EXPECT_EQ(of({"r", StateType::f32, StateSpec::kWhole, 5}, 1), (std::vector<Range>{{3, 5}}));
  EXPECT_TRUE(of({"r", StateType::f32, StateSpec::kWhole, 1}, 1).empty());
}

TEST(ValueRanges, AUnitThatTheGranuleCutsIsABug) {
  const ArenaLayout layout{{}, {{"a", {0, 256}}}, 256};
  EXPECT_THROW(value_ranges({"s", StateType::f32, 128, 2}, layout, {0, 4, 64}), Error);
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
