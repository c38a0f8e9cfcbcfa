#include "dist/placement.h"

#include <gmock/gmock.h>

#include <set>

namespace hone::dist {
namespace {

std::vector<CpuList> single_threaded(int cores) {
  std::vector<CpuList> list;
  for (int cpu = 0; cpu < cores; ++cpu) list.push_back({cpu});
  return list;
}

TEST(FairShare, RanksDivideTheCoresWithoutOverlap) {
  for (int cores = 1; cores <= 9; ++cores)
    for (int ranks = 1; ranks <= cores; ++ranks) {
      std::set<int> taken;
      for (int rank = 0; rank < ranks; ++rank) {
        const CoreShare share = fair_share(single_threaded(cores), rank, ranks, 0);
        EXPECT_EQ(share.threads, static_cast<int>(share.cpus.size()));
        EXPECT_GE(share.threads, cores / ranks);
        EXPECT_LE(share.threads, (cores + ranks - 1) / ranks);
        taken.insert(share.cpus.begin(), share.cpus.end());
      }
      EXPECT_EQ(static_cast<int>(taken.size()), cores);
    }
}

TEST(FairShare, MoreRanksThanCoresShareThemEvenly) {
  for (int rank = 0; rank < 5; ++rank) {
    const CoreShare share = fair_share(single_threaded(2), rank, 5, 0);
    EXPECT_EQ(share.cpus, CpuList{rank % 2});
    EXPECT_EQ(share.threads, 1);
  }
}

TEST(FairShare, BothHardwareThreadsOfACoreGoTogetherAndCountOnce) {
  const CoreShare share = fair_share({{0, 4}, {1, 5}, {2, 6}, {3, 7}}, 1, 2, 0);
  EXPECT_EQ(share.cpus, (CpuList{2, 3, 6, 7}));
  EXPECT_EQ(share.threads, 2);
}

TEST(FairShare, AQuotaLimitsTheThreads) {
  EXPECT_EQ(fair_share(single_threaded(8), 0, 2, 1.5).threads, 2);
  EXPECT_EQ(fair_share(single_threaded(8), 0, 2, 0.1).threads, 1);
  EXPECT_EQ(fair_share(single_threaded(2), 0, 1, 64).threads, 2);
}

TEST(TakeFairShare, SaysWhatItGot) {
  const MpiSession session;
  const Placement placement = take_fair_share(session);
  EXPECT_GE(placement.threads, 1);
  EXPECT_THAT(placement.line, testing::ContainsRegex("^rank 0 on .*: cpus [0-9,-]+, [0-9]+ threads?$"));
}

}  // namespace
}  // namespace hone::dist
