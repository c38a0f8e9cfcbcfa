#pragma once
// A language model as training and generation see it. A family (llama.cpp, ...) writes its forward only; the
// one loop over blocks, the tape and recomputation live here.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/device/host_copy.h"
#include "core/formats/model_config.h"
#include "core/model/arena.h"
#include "core/model/sharded_weights.h"
#include "core/model/strands.h"
#include "core/nn/linear_cross_entropy.h"
#include "core/nn/pass.h"
#include "core/ports/token_batch.h"

namespace hone::model {

// What a family implements: its operators in order. Blocks are numbered from 0.
class Family {
 public:
  virtual ~Family() = default;
  virtual nn::RotaryTable rotary(const at::Tensor& /*positions*/) const { return {}; }
  virtual nn::Value embed(const nn::Pass& pass) const = 0;
  virtual nn::Value block(const nn::Pass& pass, std::int64_t index, const nn::Value& x) const = 0;
  virtual nn::Value finish(const nn::Pass& pass, const nn::Value& x) const = 0;  // the last norm
  virtual nn::Head head() const = 0;
  virtual std::int64_t blocks() const = 0;
};

// Everything that backward needs of one forward pass, a tape per segment (embedding, blocks, last norm),
// those after the embedding for each strand. With recomputation a block keeps its input alone, on request in
// host memory.
struct ModelTape {
  struct Segment {
    nn::Tape tape;
    nn::Value in, out;
    device::HostCopy put_aside;  // the input, where block inputs wait in host memory
  };
  struct Strand {
    StrandCut cut;
    nn::BatchTensors batch;
    nn::RotaryTable rotary;
    std::vector<Segment> segments;  // the first is not used
  };
  nn::BatchTensors batch;
  nn::AdapterMode adapters = nn::AdapterMode::all;
  nn::DropoutKey dropout;
  bool recompute = false;
  Segment embedding;
  std::vector<Strand> strands;
};

struct ForwardOptions {
  nn::AdapterMode adapters = nn::AdapterMode::all;
  bool dropout = false;
  ModelTape* tape = nullptr;     // null: nothing is kept
  nn::KvCache* cache = nullptr;  // generation; excludes a tape
};

struct ModelParts {
  formats::ModelConfig config;
  std::unique_ptr<Family> family;
  std::shared_ptr<Arena> arena;
  at::ScalarType compute = at::kFloat;
  // By segment; null or empty unless weights are sharded.
  std::shared_ptr<std::vector<ShardedWeights>> sharded;
  std::int64_t frozen_bytes = 0;
  double neftune_noise_alpha = 0;
  bool offload_block_inputs = false;
  bool strands = true;  // false: sums do not depend on the number of threads
  std::vector<std::string> adapted_modules;
};

class Model {
 public:
  Model(ModelParts parts, std::uint64_t seed, bool recompute);

  // Hidden states after the last norm, [T, H].
  at::Tensor forward(const TokenBatch& batch, const ForwardOptions& options) const;
  at::Tensor forward(nn::BatchTensors batch,
                     const ForwardOptions& options) const;  // already where the model computes
  // Plays the tape. The head's own gradient has gone to the sink before; blocks are announced as they are
  // final.
  void backward(at::Tensor d_hidden, ModelTape& tape, GradientSink& sink) const;
  // Where weights are sharded, a forward pass leaves the head's there for whoever needs them next: backward
  // gives them back, after a pass without a tape this does. All ranks.
  void release_head() const;
  // What a rank does that has nothing to pass through the model while others have: its part in the gathering
  // of sharded weights, forward and, with a sink, backward, whose blocks are announced. Every micro-batch
  // calls this or the passes.
  void stand_by(GradientSink* sink = nullptr) const;
  nn::Head head() const { return parts_.family->head(); }

  Arena& arena() { return *parts_.arena; }
  const Arena& arena() const { return *parts_.arena; }
  const formats::ModelConfig& config() const { return parts_.config; }
  at::ScalarType compute() const { return parts_.compute; }
  at::Device device() const { return parts_.arena->device(); }
  std::int64_t frozen_bytes() const { return parts_.frozen_bytes; }
  const std::vector<std::string>& adapted_modules() const { return parts_.adapted_modules; }

 private:
  ShardedWeights* sharded(std::size_t segment) const;  // its frozen weights; null unless they are sharded
  void start_gather(std::size_t segment) const;
  // The segment's weights are there, those of `next` on their way.
  void enter(std::size_t segment, std::size_t next) const;
  void leave(std::size_t segment) const;
  bool holds_for_head(std::size_t segment) const;  // its weights are the head's too
  nn::Value run_segment(const nn::Pass& pass, std::size_t segment, const nn::Value& x) const;
  std::vector<StrandCut> cuts(const nn::BatchTensors& batch, const ForwardOptions& options) const;
  ModelTape begin(nn::BatchTensors batch, const ForwardOptions& options) const;
  at::Tensor embed(ModelTape& tape, const ForwardOptions& options) const;
  at::Tensor forward_strand(const ModelTape& tape, ModelTape::Strand& strand, at::Tensor x,
                            const ForwardOptions& options) const;
  at::Tensor backward_strand(at::Tensor d, const ModelTape& tape, ModelTape::Strand& strand,
                             GradientSink& sink, const std::function<void(std::size_t)>& left) const;
  void announce(std::size_t segment, GradientSink& sink) const;

  ModelParts parts_;
  std::uint64_t seed_;
  bool recompute_;
  std::vector<std::optional<std::size_t>> arena_block_;  // by segment
};

}  // namespace hone::model
