#pragma once
// Whether training records its micro-batches as CUDA graphs (train.cuda_graph), and what these take.
#include "core/model/builder.h"
#include "launcher/run_options.h"

namespace hone::launcher {

// Noise that is drawn on the host, copies to it, attention that is told of sequences there, and weights or gradients
// that ranks exchange within a micro-batch cannot be recorded.
bool records_graphs(const Config& config, at::Device device, at::ScalarType compute, std::int64_t head_dim,
                    std::int64_t zero_stage);

// How many tokens (or targets) a micro-batch of `n` has once it is padded to the shape that a graph serves.
std::int64_t graphed_size(std::int64_t n, bool graphs);

// Times the activations of one micro-batch: graphs keep theirs, and the first micro-batch of each further shape runs
// beside them.
constexpr std::int64_t activation_copies(bool graphs) { return graphs ? 2 : 1; }

}  // namespace hone::launcher
