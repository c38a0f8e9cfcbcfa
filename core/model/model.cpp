#include "core/model/model.h"

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/nn/batch_tensors.h"
#include "core/nn/neftune.h"

namespace hone::model {
namespace {

// The arena's block for each segment of the forward pass, where anything in it is trained.
std::vector<std::optional<std::size_t>> match_blocks(const ArenaLayout& layout, std::int64_t blocks) {
  std::vector<std::optional<std::size_t>> found(blocks + 2);
  for (std::size_t b = 0; b < layout.blocks.size(); ++b) {
    const std::string& name = layout.blocks[b].name;
    const std::size_t segment = name == "embedding" ? 0 : name == "head" ? blocks + 1 : 1 + std::stoul(name.substr(7));
    found.at(segment) = b;
  }
  return found;
}

}  // namespace

Model::Model(ModelParts parts, std::uint64_t seed, bool recompute)
    : parts_(std::move(parts)),
      seed_(seed),
      recompute_(recompute),
      arena_block_(match_blocks(parts_.arena->layout(), parts_.family->blocks())) {}

ShardedWeights* Model::sharded(std::size_t segment) const {
  return parts_.sharded && !parts_.sharded->empty() ? &(*parts_.sharded)[segment] : nullptr;
}

void Model::start_gather(std::size_t segment) const {
  if (arena_block_[segment]) parts_.arena->start_gather(*arena_block_[segment]);
  if (ShardedWeights* frozen = sharded(segment)) frozen->start();
}

void Model::enter(std::size_t segment, std::size_t next) const {
  start_gather(segment);
  if (next < arena_block_.size()) start_gather(next);
  if (arena_block_[segment]) parts_.arena->wait_for(*arena_block_[segment]);
  if (ShardedWeights* frozen = sharded(segment)) frozen->wait();
}

void Model::leave(std::size_t segment) const {
  if (arena_block_[segment]) parts_.arena->release(*arena_block_[segment]);
  if (ShardedWeights* frozen = sharded(segment)) frozen->release();
}

bool Model::holds_for_head(std::size_t segment) const {
  return segment + 1 == arena_block_.size() || (segment == 0 && parts_.config.tie_embeddings);
}

void Model::release_head() const {
  leave(arena_block_.size() - 1);
  leave(0);
}

void Model::stand_by(GradientSink* sink) const {
  for (std::size_t s = 0; s < arena_block_.size(); ++s) {
    enter(s, s + 1);
    if (!holds_for_head(s)) leave(s);
  }
  if (!sink) return release_head();
  ModelTape nothing;
  nothing.segments.resize(arena_block_.size());
  backward({}, nothing, *sink);
}

nn::Value Model::run_segment(const nn::Pass& pass, std::size_t segment, const nn::Value& x) const {
  if (segment == 0) {
    nn::Value embedded = parts_.family->embed(pass);
    if (pass.dropout.enabled && parts_.neftune_noise_alpha > 0)
      embedded.tensor = nn::add_neftune_noise(pass, embedded.tensor, parts_.neftune_noise_alpha);
    return embedded;
  }
  const auto block = static_cast<std::int64_t>(segment) - 1;
  return block < parts_.family->blocks() ? parts_.family->block(pass, block, x) : parts_.family->finish(pass, x);
}

at::Tensor Model::forward(const TokenBatch& batch, const ForwardOptions& options) const {
  return forward(nn::to_tensors(batch, device()), options);
}

at::Tensor Model::forward(nn::BatchTensors tensors, const ForwardOptions& options) const {
  HONE_CHECK(!(options.tape && options.cache));
  const nn::DropoutKey dropout{options.dropout, seed_};
  const std::size_t segments = parts_.family->blocks() + 2;
  const nn::RotaryTable rotary = parts_.family->rotary(tensors.positions);
  ModelTape* tape = options.tape;
  if (tape) {
    tape->batch = std::move(tensors);
    tape->rotary = rotary;
    tape->adapters = options.adapters;
    tape->dropout = dropout;
    tape->recompute = recompute_;
    tape->segments.clear();
    tape->segments.resize(segments);
  }
  nn::Pass pass{tape ? tape->batch : tensors, nullptr, options.adapters, dropout, options.cache, rotary};
  nn::Value x;
  bool wants_gradient = false;  // from the first trained segment on
  for (std::size_t s = 0; s < segments; ++s) {
    enter(s, s + 1);
    if (!tape) {
      x = run_segment(pass, s, x);
      if (!holds_for_head(s)) leave(s);
      continue;
    }
    ModelTape::Segment& segment = tape->segments[s];
    segment.in = wants_gradient ? segment.tape.variable(x.tensor) : nn::Value{x.tensor, -1};
    const bool is_block = s > 0 && s + 1 < segments;
    const bool again = recompute_ && is_block;
    pass.tape = again ? nullptr : &segment.tape;
    segment.out = run_segment(pass, s, segment.in);
    if (!holds_for_head(s)) leave(s);
    wants_gradient = wants_gradient || arena_block_[s].has_value();
    x = segment.out;
    if (again && parts_.offload_block_inputs) segment.put_aside = device::HostCopy(segment.in.tensor);
    if (!again || segment.put_aside.holds()) segment.in.tensor.reset();
    segment.out.tensor.reset();
  }
  return x.tensor;
}

void Model::backward(at::Tensor d_hidden, ModelTape& tape, GradientSink& sink) const {
  at::Tensor d = std::move(d_hidden);
  for (std::size_t s = tape.segments.size(); s-- > 0;) {
    ModelTape::Segment& segment = tape.segments[s];
    if (s > 0) enter(s, s > 1 ? s - 1 : s);  // the embedding's own backward reads no weight
    const bool is_block = s > 0 && s + 1 < tape.segments.size();
    if (d.defined() && tape.recompute && is_block) {
      if (segment.put_aside.holds()) segment.in.tensor = segment.put_aside.take();
      tape.segments[s - 1].put_aside.prefetch();  // beside this block's work
      const bool wants = segment.in.wants_gradient();
      segment.tape.clear();
      if (wants) segment.in = segment.tape.variable(segment.in.tensor);
      const nn::Pass pass{tape.batch, &segment.tape, tape.adapters, tape.dropout, nullptr, tape.rotary};
      segment.out = run_segment(pass, s, segment.in);
    }
    if (d.defined()) d = segment.tape.backward(segment.out, std::move(d), segment.in, sink);
    segment = {};
    if (s + 1 == tape.segments.size()) {
      release_head();
    } else if (s > 0) {
      leave(s);
    }
    announce(s, sink);
  }
}

void Model::announce(std::size_t segment, GradientSink& sink) const {
  if (arena_block_[segment]) sink.block_final(*arena_block_[segment]);
}

}  // namespace hone::model
