#include "core/model/model.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

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
    const std::size_t segment = name == "embedding" ? 0
                                : name == "head"    ? blocks + 1
                                                    : 1 + std::stoul(name.substr(7));
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
  nothing.strands.emplace_back().segments.resize(arena_block_.size());
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
  return block < parts_.family->blocks() ? parts_.family->block(pass, block, x)
                                         : parts_.family->finish(pass, x);
}

at::Tensor Model::forward(const TokenBatch& batch, const ForwardOptions& options) const {
  return forward(nn::to_tensors(batch, device()), options);
}

std::vector<StrandCut> Model::cuts(const nn::BatchTensors& batch, const ForwardOptions& options) const {
  const bool apart =
      parts_.strands && device().is_cpu() && !options.cache && !parts_.arena->sharding().shards_weights();
  if (!apart) return std::vector<StrandCut>(1);  // whose sequences only a device may know
  return cut_strands(batch.cu_seqlens, at::get_num_threads());
}

ModelTape Model::begin(nn::BatchTensors batch, const ForwardOptions& options) const {
  ModelTape tape;
  tape.batch = std::move(batch);
  tape.adapters = options.adapters;
  tape.dropout = {options.dropout, seed_};
  tape.recompute = recompute_;
  const nn::RotaryTable rotary = parts_.family->rotary(tape.batch.positions);
  const std::vector<StrandCut> all = cuts(tape.batch, options);
  for (const StrandCut& cut : all) {
    ModelTape::Strand& strand = tape.strands.emplace_back();
    strand.cut = cut;
    strand.batch = all.size() == 1 ? tape.batch : part_of(tape.batch, cut);
    strand.rotary = all.size() == 1 ? rotary : part_of(rotary, cut);
    strand.segments.resize(arena_block_.size());
  }
  return tape;
}

at::Tensor Model::forward(nn::BatchTensors batch, const ForwardOptions& options) const {
  HONE_CHECK(!(options.tape && options.cache));
  ModelTape unkept;
  ModelTape& tape = options.tape ? *options.tape : unkept;
  tape = begin(std::move(batch), options);
  at::Tensor x = embed(tape, options);
  std::vector<at::Tensor> hidden(tape.strands.size());
  for_strands(hidden.size(), [&](std::size_t i) {
    const Range tokens = tape.strands[i].cut.tokens;
    at::Tensor mine = hidden.size() == 1 ? std::move(x) : x.narrow(0, tokens.begin, tokens.length());
    hidden[i] = forward_strand(tape, tape.strands[i], std::move(mine), options);
  });
  return hidden.size() == 1 ? hidden[0] : at::cat(hidden);
}

at::Tensor Model::embed(ModelTape& tape, const ForwardOptions& options) const {
  enter(0, 1);
  nn::Tape* kept = options.tape ? &tape.embedding.tape : nullptr;
  const nn::Pass pass{tape.batch, kept, tape.adapters, tape.dropout, options.cache};
  tape.embedding.out = run_segment(pass, 0, {});
  if (!holds_for_head(0)) leave(0);
  return std::exchange(tape.embedding.out.tensor, {});
}

at::Tensor Model::forward_strand(const ModelTape& tape, ModelTape::Strand& strand, at::Tensor x,
                                 const ForwardOptions& options) const {
  nn::Pass pass{strand.batch, nullptr, tape.adapters, tape.dropout, options.cache, strand.rotary};
  bool wants_gradient = arena_block_[0].has_value();  // from the first trained segment on
  for (std::size_t s = 1; s < strand.segments.size(); ++s) {
    enter(s, s + 1);
    ModelTape::Segment& segment = strand.segments[s];
    const bool again = tape.recompute && s + 1 < strand.segments.size();
    pass.tape = options.tape && !again ? &segment.tape : nullptr;
    segment.in =
        options.tape && wants_gradient ? segment.tape.variable(std::move(x)) : nn::Value{std::move(x), -1};
    segment.out = run_segment(pass, s, segment.in);
    if (!holds_for_head(s)) leave(s);
    wants_gradient = wants_gradient || arena_block_[s].has_value();
    x = std::exchange(segment.out.tensor, {});
    const bool put_aside = options.tape && again && parts_.offload_block_inputs;
    if (put_aside) segment.put_aside = device::HostCopy(segment.in.tensor);
    if (!options.tape || !again || put_aside) segment.in.tensor.reset();
  }
  return x;
}

void Model::backward(at::Tensor d_hidden, ModelTape& tape, GradientSink& sink) const {
  const std::size_t strands = tape.strands.size();
  StrandGradients gradients(parts_.arena->layout(), sink, strands, arena_block_.size(),
                            [&](std::size_t segment) { announce(segment, sink); });
  std::vector<at::Tensor> d(strands);
  for_strands(strands, [&](std::size_t i) {
    try {
      const Range tokens = tape.strands[i].cut.tokens;
      at::Tensor mine =
          strands == 1 ? std::move(d_hidden) : d_hidden.narrow(0, tokens.begin, tokens.length());
      d[i] = backward_strand(std::move(mine), tape, tape.strands[i], gradients.of(i),
                             [&](std::size_t segment) { gradients.left(i, segment); });
    } catch (...) {
      gradients.fail(std::current_exception());
    }
  });
  gradients.finish();
  if (d[0].defined())
    tape.embedding.tape.backward(tape.embedding.out, strands == 1 ? d[0] : at::cat(d), {}, sink);
  announce(0, sink);
}

// Returns what reaches the output of the embedding; undefined where nobody wants it.
at::Tensor Model::backward_strand(at::Tensor d, const ModelTape& tape, ModelTape::Strand& strand,
                                  GradientSink& sink, const std::function<void(std::size_t)>& left) const {
  const std::size_t segments = strand.segments.size();
  for (std::size_t s = segments; s-- > 1;) {
    ModelTape::Segment& segment = strand.segments[s];
    enter(s, s > 1 ? s - 1 : s);  // the embedding's own backward reads no weight
    const bool is_block = s + 1 < segments;
    if (d.defined() && tape.recompute && is_block) {
      if (segment.put_aside.holds()) segment.in.tensor = segment.put_aside.take();
      strand.segments[s - 1].put_aside.prefetch();  // beside this block's work
      const bool wants = segment.in.wants_gradient();
      segment.tape.clear();
      if (wants) segment.in = segment.tape.variable(segment.in.tensor);
      const nn::Pass pass{strand.batch, &segment.tape, tape.adapters, tape.dropout, nullptr, strand.rotary};
      segment.out = run_segment(pass, s, segment.in);
    }
    if (d.defined()) d = segment.tape.backward(segment.out, std::move(d), segment.in, sink);
    segment = {};
    is_block ? leave(s) : release_head();
    left(s);
  }
  return d;
}

void Model::announce(std::size_t segment, GradientSink& sink) const {
  if (arena_block_[segment]) sink.block_final(*arena_block_[segment]);
}

}  // namespace hone::model
