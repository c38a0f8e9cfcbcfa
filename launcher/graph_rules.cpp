#include "launcher/graph_rules.h"

#include "core/nn/attention.h"
#include "core/train/buckets.h"

namespace hone::launcher {

bool records_graphs(const Config& config, at::Device device, at::ScalarType compute, std::int64_t head_dim,
                    std::int64_t zero_stage) {
  return device.is_cuda() && config.train.cuda_graph != "false" && config.train.neftune_noise_alpha == 0 &&
         config.train.offload == "none" && zero_stage < 2 &&
         nn::cuda_attention(compute, head_dim) != nn::CudaAttention::none;
}

std::int64_t graphed_size(std::int64_t n, bool graphs) { return graphs ? train::grid_above(n) : n; }

}  // namespace hone::launcher
