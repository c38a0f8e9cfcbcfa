#include "dist/gpu_share.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "dist/thread_communicator.h"

namespace hone::dist {
namespace {

using testing::HasSubstr;

TEST(GpuShare, CudasOwnListComesFirst) {
  setenv("CUDA_VISIBLE_DEVICES", "2,GPU-5a3f,7", 1);
  EXPECT_EQ(visible_gpus(), (std::vector<std::string>{"2", "GPU-5a3f", "7"}));
  setenv("CUDA_VISIBLE_DEVICES", "", 1);
  EXPECT_TRUE(visible_gpus().empty());
  unsetenv("CUDA_VISIBLE_DEVICES");
}

TEST(GpuShare, RanksTakeGpusInOrderAndShareThemOnlyWhereThereAreTooFew) {
  const std::vector<std::string> gpus = {"0", "1", "2"};
  for (int rank = 0; rank < 3; ++rank) EXPECT_EQ(gpu_of(gpus, rank), std::to_string(rank));
  EXPECT_EQ(gpu_of(gpus, 3), "0");
  EXPECT_EQ(gpu_of({"GPU-own"}, 2), "GPU-own");  // Slurm gave each rank its own
}

TEST(GpuShare, OneRankOnANodeKeepsAllGpus) {
  setenv("CUDA_VISIBLE_DEVICES", "4,5", 1);
  take_own_gpu(MpiSession());
  EXPECT_EQ(visible_gpus().size(), 2u);
  unsetenv("CUDA_VISIBLE_DEVICES");
}

TEST(GpuShare, RanksThatShareAGpuAreRefusedByNameUnlessTold) {
  run_ranks(4, [](Communicator& c) {
    const std::string rank = std::to_string(c.rank()), place = "rank " + rank + " on n1";
    require_own_gpu(c, place, "n1 0000:0" + rank + ":00.0", false);
    const std::string same = c.rank() == 1 ? "n1 a" : "n1 b";
    require_own_gpu(c, place, same, true);
    try {
      require_own_gpu(c, place, same, false);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), "MP014");
      EXPECT_EQ(error.exit(), Exit::usage);
      EXPECT_THAT(error.what(), HasSubstr("rank 0 on n1, rank 2 on n1, rank 3 on n1: 4 ranks see 2 GPUs"));
    }
  });
}

}  // namespace
}  // namespace hone::dist
