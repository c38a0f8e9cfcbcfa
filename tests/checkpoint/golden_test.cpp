// A checkpoint of format version 1 that h5py and xxhash wrote (tests/golden/make_checkpoint.py): it must load
// as long as the version is 1.
#include "fixture.h"

namespace hone::checkpoint::testing {
namespace {

const std::string kGolden = std::string(HONE_GOLDEN_DIR) + "/checkpoint/step-00000007";

TEST(Golden, CheckpointWrittenByH5pyIsGood) {
  const Json summary = verify_checkpoint(kGolden);
  EXPECT_EQ(summary["step"], 7);
  EXPECT_EQ(summary["best_step"], 5);
  EXPECT_EQ(summary["world_size"], 2);
  EXPECT_EQ(summary["parameters"], 160);
}

TEST(Golden, ItsValuesAndShardPlanAreAsComputedHere) {
  LoadedCheckpoint loaded(kGolden);
  const Manifest& manifest = loaded.manifest();
  EXPECT_EQ(manifest.trainer["sample"], 56);
  for (int rank = 0; rank < 2; ++rank)
    EXPECT_EQ(manifest.files[static_cast<std::size_t>(rank)].parts[0].ranges,
              shards_of(manifest.layout, rank, 2, manifest.granule));
  const std::vector<float> master = read_whole(kGolden, "master"), average = read_whole(kGolden, "exp_avg");
  for (int i = 0; i < 192; ++i) {
    EXPECT_EQ(master[static_cast<std::size_t>(i)], static_cast<float>(i * 7 % 1000) / 8);
    EXPECT_EQ(average[static_cast<std::size_t>(i)], -static_cast<float>(i));
  }
}

}  // namespace
}  // namespace hone::checkpoint::testing
