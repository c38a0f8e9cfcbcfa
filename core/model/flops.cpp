#include "core/model/flops.h"

namespace hone::model {
namespace {

struct Products {
  double forward = 0, backward = 0;
  // A matrix of `elements` that `share` of the tokens meet: a product forward, one back to its input, one to
  // its gradient where it is trained.
  void add(double elements, double share, bool trained) {
    forward += 2 * elements * share;
    backward += (trained ? 4 : 2) * elements * share;
  }
};

}  // namespace

TokenFlops token_flops(const formats::ModelFiles& files, const BuildSpec& spec, bool recompute,
                       std::int64_t length, double supervised) {
  const formats::ModelConfig& c = files.config;
  const std::string head = c.tie_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  Products blocks, last;
  for (const formats::TensorInfo& info : files.tensors->tensors()) {
    const auto elements = static_cast<double>(c10::multiply_integers(info.shape));
    if (info.name == head) last.add(elements, supervised, trains(spec, info.name));
    if (!formats::is_block_linear(info)) continue;
    blocks.add(elements, 1, trains(spec, info.name));
    const std::string module = info.name.substr(0, info.name.rfind(".weight"));
    if (spec.trained == Trained::adapter && adapter::is_target(spec.lora, module))
      blocks.add(static_cast<double>(spec.lora.rank * (info.shape[0] + info.shape[1])), 1, /*trained=*/true);
  }
  // Scores and values over half of the sequence, at two operations a feature; twice that back.
  const double attention = 2.0 * static_cast<double>(c.num_layers * c.num_heads * c.head_dim * length);
  blocks.forward += attention;
  blocks.backward += 2 * attention;
  return {blocks.forward + last.forward, blocks.backward + last.backward + (recompute ? blocks.forward : 0)};
}

}  // namespace hone::model
