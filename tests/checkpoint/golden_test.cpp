// Checkpoints that h5py and xxhash wrote: of format version 1 (tests/golden/make_checkpoint.py) and of
// version 2 (make_checkpoint_v2.py), with tensors of every type and unit.
#include "fixture.h"

namespace hone::checkpoint::testing {
namespace {

const std::string kGolden = std::string(HONE_GOLDEN_DIR) + "/checkpoint/step-00000007";
const std::string kGolden2 = std::string(HONE_GOLDEN_DIR) + "/checkpoint/step-00000008";

template <class Value>
std::vector<Value> values_of(const std::string& checkpoint, const StateSpec& spec) {
  std::vector<Value> values(static_cast<std::size_t>(spec.count));
  LoadedCheckpoint(checkpoint).read(StateTensor(spec, values.data()));
  return values;
}

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
  const std::vector<float> master = values_of<float>(kGolden, {"master", StateType::f32, 1, 192}),
                           average = values_of<float>(kGolden, {"exp_avg", StateType::f32, 1, 192});
  for (int i = 0; i < 192; ++i) {
    EXPECT_EQ(master[static_cast<std::size_t>(i)], static_cast<float>(i * 7 % 1000) / 8);
    EXPECT_EQ(average[static_cast<std::size_t>(i)], -static_cast<float>(i));
  }
}

TEST(Golden, TypesAndUnitsOfVersionTwoAreRead) {
  EXPECT_EQ(verify_checkpoint(kGolden2)["tensors"], (Json{"master", "codes", "absmax", "rows"}));
  const auto master = values_of<std::uint16_t>(kGolden2, {"master", StateType::bf16, 1, 192});
  const auto codes = values_of<std::uint8_t>(kGolden2, {"codes", StateType::u8, 1, 192});
  const auto absmax = values_of<float>(kGolden2, {"absmax", StateType::f32, 16, 12});
  const auto rows = values_of<float>(kGolden2, {"rows", StateType::f32, StateSpec::kWhole, 5});
  for (std::size_t i = 0; i < 192; ++i) {
    EXPECT_EQ(master[i], 300 * i);
    EXPECT_EQ(codes[i], 255 - i);
  }
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(absmax[i], static_cast<float>(i) / 4);
  EXPECT_EQ(rows, (std::vector<float>{0, -1, -2, -3, -4}));
}

}  // namespace
}  // namespace hone::checkpoint::testing
