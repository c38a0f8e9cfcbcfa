#pragma once
// Gradients under ZeRO, and under the deterministic tree. Blocks go to the ranks that own their shards in
// backward order, while backward still runs: in stage 1 once a step, from the last micro-batch on; from stage
// 2 on in every micro-batch, so that no rank ever holds the whole gradient (two blocks under way, besides its
// shards).
//
// The tree: micro-batch j of rank r is bin j * world_size + r of a power of two of bins. Every micro-batch is
// summed over ranks in a balanced tree (Communicator's contract), then micro-batches are: one binary tree
// over bins, the same for any power of two of ranks and any stage, to the last bit.
#include <deque>
#include <vector>

#include "core/model/sharding.h"
#include "core/train/gradients.h"
#include "core/train/gradients_cuda.h"

namespace hone::train {

// Where shards begin under the tree: the norm's chunks are not cut.
inline constexpr std::int64_t kTreeGranule = kNormChunk;

class ShardedGradients final : public StepGradients {
 public:
  // `sharding` has a communicator. `tree`: its granule is a multiple of kTreeGranule.
  ShardedGradients(const ArenaLayout& layout, const model::Sharding& sharding, bool tree,
                   at::Device device = at::kCPU);

  void begin_step() override;
  void begin_micro_batch(bool last) override;
  void end_micro_batch() override;
  void finish() override;
  double norm() const override;
  std::int64_t bytes() const override;
  std::string first_not_finite() const override;  // the same on every rank
  at::Tensor gradient(std::size_t parameter) override;
  void block_final(std::size_t block) override;

 private:
  struct UnderWay {
    std::size_t block;
    at::Tensor sent, received;
    WorkPtr work;
  };
  at::Tensor& staged(std::size_t block);
  bool reduces() const { return every_micro_batch_ || last_; }
  void start_final();
  void start(std::size_t block);
  void complete_oldest();
  void add(std::size_t block, const at::Tensor& received);
  void push(at::Tensor sum_of_bins);
  double chunk_sums_norm() const;

  model::Sharding sharding_;
  bool tree_, every_micro_batch_, last_ = false;
  std::vector<std::size_t> block_of_;  // by parameter
  std::vector<at::Tensor> staged_;     // by block; undefined: nothing yet
  std::vector<bool> final_;            // by block, in this micro-batch
  std::size_t next_ = 0;               // blocks [0, next_) are still to be started, the last first
  std::deque<UnderWay> under_way_;
  at::Tensor of_micro_batch_;         // tree: the shards' sums over ranks
  std::vector<at::Tensor> subtrees_;  // tree: by level; undefined: none
};

}  // namespace hone::train
