#pragma once
// On CPUs each thread takes its own sequences of a micro-batch through all blocks, a strand: threads wait for
// each other once a pass instead of in every operator, and one computes while another moves memory.
#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "core/nn/pass.h"
#include "core/ports/gradient_sink.h"
#include "core/train/shard_plan.h"

namespace hone::model {

// Blocks of which a strand may hold gradients of its own at once.
constexpr std::int64_t kStrandBlocks = 3;

// Consecutive sequences of a batch, and the tokens that are theirs.
struct StrandCut {
  Range sequences, tokens;
};

// How many of `threads` may have a strand of their own of so many tokens, if sequences allow it: all or one.
std::int64_t most_strands(std::int64_t tokens, std::int64_t threads);

// One for each thread, of about as many tokens; a single one of everything where sequences do not allow that,
// or products would be too short to be fast. `cu_seqlens` [S + 1].
std::vector<StrandCut> cut_strands(std::span<const std::int64_t> cu_seqlens, std::int64_t threads);

// What operators on a CPU read of a part of a batch; tensors are views.
nn::BatchTensors part_of(const nn::BatchTensors& batch, const StrandCut& cut);
nn::RotaryTable part_of(const nn::RotaryTable& rotary, const StrandCut& cut);

// body(strand), each on a thread of its own, which operators inside have to themselves. All end before the
// first error of any is thrown. A single strand is called plainly: its operators use all threads.
void for_strands(std::size_t strands, const std::function<void(std::size_t)>& body);

// Adds up what strands, each at its own pace, bring back from backward. The first writes to the sink; others
// to memory of their own, which is added in the order of strands once all are done with a segment: the same
// sums every time. The sink and `announce` are called by one thread at a time, whichever strand's it is.
class StrandGradients {
 public:
  // announce(segment) is called in backward order, down to segment 1, once a segment has received all it
  // gets.
  StrandGradients(const ArenaLayout& layout, GradientSink& sink, std::size_t strands, std::size_t segments,
                  std::function<void(std::size_t)> announce);
  GradientSink& of(std::size_t strand);  // called once, as the strand begins
  // The strand is done with the segment. Waits while others hold too many of its gradients up; throws what
  // another strand has failed with.
  void left(std::size_t strand, std::size_t segment);
  void fail(std::exception_ptr error);
  void finish();  // once all strands have ended: throws what the first has failed with

 private:
  struct Own final : GradientSink {
    Own(const ArenaLayout& layout, std::size_t segments) : layout(layout), done(segments) {}
    at::Tensor gradient(std::size_t parameter) override;
    void block_final(std::size_t block) override;
    const ArenaLayout& layout;
    std::map<std::size_t, at::Tensor> current;            // by parameter
    std::vector<std::map<std::size_t, at::Tensor>> done;  // by segment
  };
  struct First final : GradientSink {
    explicit First(StrandGradients& all) : all(all) {}
    at::Tensor gradient(std::size_t parameter) override;
    void block_final(std::size_t block) override;
    StrandGradients& all;
  };
  void settle();  // under the lock

  GradientSink& sink_;
  std::function<void(std::size_t)> announce_;
  First first_{*this};
  std::vector<Own> own_;  // of the strands after the first
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::size_t> reached_;  // by strand: the last segment it has left
  std::size_t begun_ = 0;             // strands
  std::size_t next_;                  // the first segment not announced
  std::exception_ptr failure_;
};

}  // namespace hone::model
