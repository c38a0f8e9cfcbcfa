#pragma once
// Sums the gradient arena over ranks while backward still runs. dist implements it.
#include <cstddef>
#include <cstdint>

namespace hone {

// Whole gradients are summed in buckets of blocks that hold at least this much.
inline constexpr std::int64_t kBucketBytes = std::int64_t{1} << 20;

// Contract: used on the last micro-batch of a step. block_final(b) says that block b of the arena's layout will
// not be written again in this step; its sum over ranks may start, so the range is not touched until finish()
// returned. Each block at most once a step. finish() returns when every block is summed, those never announced
// included, and makes ready for the next step. Ranks may announce different blocks in different orders; all call
// finish(). Throws Error(Exit::peer) as the communicator does.
class GradientReduction {
 public:
  virtual ~GradientReduction() = default;
  virtual void block_final(std::size_t block) = 0;
  virtual void finish() = 0;
};

// One rank: nothing to sum.
class NoReduction final : public GradientReduction {
 public:
  void block_final(std::size_t) override {}
  void finish() override {}
};

}  // namespace hone
