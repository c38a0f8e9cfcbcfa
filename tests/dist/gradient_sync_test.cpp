#include "dist/gradient_sync.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "core/base/error.h"
#include "dist/local_communicator.h"
#include "dist/thread_communicator.h"

namespace hone::dist {
namespace {

// "embedding", three layers, "head"; 1000 elements but for an empty layer 1.
ArenaLayout five_blocks() {
  ArenaLayout layout;
  for (const auto& [name, length] : {std::pair{"embedding", 1000},
                                     {"layers.0", 1000},
                                     {"layers.1", 0},
                                     {"layers.2", 1000},
                                     {"head", 1000}}) {
    layout.blocks.push_back({name, {layout.size, layout.size + length}});
    layout.size += length;
  }
  return layout;
}

std::vector<float> gradient_of(int rank, std::int64_t size) {
  std::vector<float> gradient(static_cast<std::size_t>(size));
  std::iota(gradient.begin(), gradient.end(), static_cast<float>(10000 * rank));
  return gradient;
}

std::vector<float> summed(int ranks, std::int64_t size) {
  std::vector<float> sum(static_cast<std::size_t>(size));
  for (int rank = 0; rank < ranks; ++rank) {
    const std::vector<float> gradient = gradient_of(rank, size);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += gradient[i];
  }
  return sum;
}

// Records what is asked for; a world of two whose peer always brings zeros.
class RecordingCommunicator final : public CheckedCommunicator {
 public:
  explicit RecordingCommunicator(const float* base) : base_(base) {}
  int rank() const override { return 0; }
  int world_size() const override { return 2; }
  std::vector<Range> reduced;

 protected:
  WorkPtr start(const Collective& collective) override {
    const std::int64_t begin = static_cast<const float*>(collective.input.data) - base_;
    reduced.push_back({begin, begin + collective.input.count});
    return LocalCommunicator().barrier();
  }

 private:
  const float* base_;
};

TEST(ReplicatedReduction, SumsTheWholeArenaOverRanksWhateverEachRankAnnounces) {
  const ArenaLayout layout = five_blocks();
  for (int ranks = 1; ranks <= 4; ++ranks)
    for (const std::int64_t bucket_bytes : {1, 5000, 1 << 20})
      run_ranks(ranks, [&](Communicator& c) {
        std::vector<float> gradient(static_cast<std::size_t>(layout.size));
        ReplicatedReduction reduction(gradient, layout, c, bucket_bytes);
        for (int step = 0; step < 2; ++step) {
          std::ranges::copy(gradient_of(c.rank(), layout.size), gradient.begin());
          if (c.rank() != 1)  // rank 1 had nothing to do
            for (const std::size_t block : {4, 2, 3, 0}) reduction.block_final(block);
          reduction.finish();
          EXPECT_EQ(gradient, summed(ranks, layout.size));
        }
      });
}

TEST(ReplicatedReduction, StartsABucketAsSoonAsItAndAllBehindItAreFinal) {
  const ArenaLayout layout = five_blocks();
  std::vector<float> gradient(static_cast<std::size_t>(layout.size));
  RecordingCommunicator c(gradient.data());
  ReplicatedReduction reduction(gradient, layout, c, 1);
  reduction.block_final(3);
  EXPECT_TRUE(c.reduced.empty());  // the head comes first
  reduction.block_final(4);
  EXPECT_EQ(c.reduced, (std::vector<Range>{{3000, 4000}, {2000, 3000}}));
  reduction.finish();
  EXPECT_EQ(c.reduced, (std::vector<Range>{{3000, 4000}, {2000, 3000}, {1000, 2000}, {0, 1000}}));
}

TEST(ReplicatedReduction, MergesSmallBlocksIntoBuckets) {
  const ArenaLayout layout = five_blocks();
  std::vector<float> gradient(static_cast<std::size_t>(layout.size));
  RecordingCommunicator c(gradient.data());
  ReplicatedReduction reduction(gradient, layout, c, 5000);
  reduction.finish();
  EXPECT_EQ(c.reduced, (std::vector<Range>{{2000, 4000}, {0, 2000}}));
}

TEST(ReplicatedReduction, ABlockAnnouncedTwiceIsABug) {
  const ArenaLayout layout = five_blocks();
  std::vector<float> gradient(static_cast<std::size_t>(layout.size));
  RecordingCommunicator c(gradient.data());
  ReplicatedReduction reduction(gradient, layout, c);
  reduction.block_final(0);
  EXPECT_THROW(reduction.block_final(0), Error);
  EXPECT_THROW(reduction.block_final(5), Error);
}

TEST(GradientReduction, OneRankHasNothingToDo) {
  const ArenaLayout layout = five_blocks();
  std::vector<float> gradient = gradient_of(0, layout.size);
  LocalCommunicator c;
  const auto reduction = make_gradient_reduction(gradient, layout, c);
  EXPECT_NE(dynamic_cast<NoReduction*>(reduction.get()), nullptr);
}

}  // namespace
}  // namespace hone::dist
