#include "core/model/activations.h"

#include <algorithm>

#include "core/model/strands.h"
#include "core/nn/bf16_blocks.h"
#include "core/nn/linear_cross_entropy.h"

namespace hone::model {
namespace {

constexpr double kWide = 4;  // bytes of an fp32 value
// What a thread's product of bf16 lays out anew at a time on processors that multiply bf16. Others sum up in fp32,
// which takes kWide for each element of a product.
constexpr double kBf16Workspace = 192 << 10;

// Elements of a token's vectors, and what the adapters add.
struct Widths {
  double hidden, inner, q, kv, heads, head_dim;
  double low = 0;      // of the adapters' low-rank products in a block
  double dropped = 0;  // of the inputs in a block that are masked
  double widest_dropped = 0;
};

// The linears of a block that read one input.
struct InputSite {
  std::initializer_list<const char*> modules;
  double width;
};

Widths widths_of(const formats::ModelConfig& c, const BuildSpec& spec) {
  const auto d = static_cast<double>(c.head_dim), heads = static_cast<double>(c.num_heads);
  Widths w{static_cast<double>(c.hidden_size),
           static_cast<double>(c.intermediate_size),
           d * heads,
           d * static_cast<double>(c.num_kv_heads),
           heads,
           d};
  if (spec.trained != Trained::adapter) return w;
  for (const InputSite& site :
       {InputSite{{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}, w.hidden},
        InputSite{{"self_attn.o_proj"}, w.q}, InputSite{{"mlp.gate_proj", "mlp.up_proj"}, w.hidden},
        InputSite{{"mlp.down_proj"}, w.inner}}) {
    const auto adapted = std::count_if(site.modules.begin(), site.modules.end(), [&](const char* module) {
      return adapter::is_target(spec.lora, std::string("model.layers.0.") + module);
    });
    w.low += static_cast<double>(adapted * spec.lora.rank);
    if (adapted == 0 || spec.lora.dropout == 0) continue;
    w.dropped += site.width;
    w.widest_dropped = std::max(w.widest_dropped, site.width);
  }
  return w;
}

// Bytes of a token in one block.
struct BlockBytes {
  double
      kept;  // by its tape: the residual stream twice, q, k, v, attention's output, gate and up; in fp32 the
             // statistics of norms and attention; of adapters the low-rank products, masks and masked inputs
  double forward;   // made beside that and let go of at its end, its output among it
  double untaped;   // the same where nothing is kept
  double backward;  // gradients under way, and what backward makes once more
};

// `scratch`: bytes a product takes beside each element of its output.
BlockBytes block_bytes(const Widths& w, double e, double scratch) {
  BlockBytes b;
  b.kept =
      e * (2 * w.hidden + 2 * w.q + 2 * w.kv + 2 * w.inner + w.low + 2 * w.dropped) + kWide * (2 + w.heads);
  const double mask = e == kWide ? 0 : kWide * w.widest_dropped;  // drawn in fp32 first
  b.forward = std::max(e * (5 * w.hidden + w.inner), e * (3 * w.hidden + w.inner) + mask);
  b.untaped = std::max(e * (6 * w.hidden + 3 * w.inner), e * (2 * w.hidden + 3 * w.q + 3 * w.kv));
  const double at_down = w.hidden + (w.widest_dropped > 0 ? 3 : 2) * w.inner;
  const double through_down = w.hidden + (1 + scratch / e) * w.inner;
  const double at_swiglu = w.hidden + 3 * w.inner;
  const double at_gate_and_up = 3 * w.hidden;                    // gate and up are let go of by now
  const double at_attention = 3 * w.q + 2 * w.kv - 2 * w.inner;  // and the residual stream after attention
  b.backward = e * std::max({at_down, through_down, at_swiglu, at_gate_and_up, at_attention});
  return b;
}

// What one product makes besides its output, whatever the number of tokens: a dequantised weight; a weight's
// gradient, on CPUs also in fp32, before it is added to the arena. Each strand makes its own, and
// those after the first keep gradients of at most kStrandBlocks blocks.
struct ProductBytes {
  double block = 0, head = 0, strands = 0;
};

ProductBytes product_bytes(const formats::ModelConfig& c, const BuildSpec& spec, double e,
                           std::int64_t strands) {
  const auto hidden = static_cast<double>(c.hidden_size), inner = static_cast<double>(c.intermediate_size);
  const auto heads = static_cast<double>(2 * (c.num_heads + c.num_kv_heads) * c.head_dim);
  const auto all = static_cast<double>(strands);
  const double widest = hidden * static_cast<double>(std::max(c.intermediate_size, c.num_heads * c.head_dim));
  ProductBytes bytes;
  if (spec.nf4) bytes.block = all * e * widest;
  if (spec.trained == Trained::everything)
    bytes.strands = (all - 1) * kStrandBlocks * kWide * hidden * (heads + 3 * inner);
  if (spec.compute == at::kFloat) return bytes;
  const double made = spec.device.is_cpu() ? e + kWide : e;
  if (spec.trained == Trained::everything) bytes.block += all * made * widest;
  if (trains(spec, c.tie_embeddings ? "model.embed_tokens.weight" : "lm_head.weight"))
    bytes.head = made * hidden * static_cast<double>(c.vocab_size);
  return bytes;
}

// Where there is no kernel: arithmetic in fp32, scores of whole sequences.
double without_kernels(const Widths& w, const MicroBatchSize& size) {
  const auto longest = static_cast<double>(size.longest);
  return kWide * (8 * w.inner * static_cast<double>(size.tokens) + 5 * w.heads * longest * longest);
}

}  // namespace

double activation_bytes(const formats::ModelConfig& config, const BuildSpec& spec, bool recompute,
                        const MicroBatchSize& size) {
  const auto e = static_cast<double>(c10::elementSize(spec.compute));
  const Widths w = widths_of(config, spec);
  const bool bf16_on_cpu = spec.compute == at::kBFloat16 && spec.device.is_cpu();
  const bool by_units = bf16_on_cpu && nn::bf16_unit() != nn::Bf16Unit::none;
  const double scratch = bf16_on_cpu && !by_units ? kWide : 0;
  const BlockBytes block = block_bytes(w, e, scratch);
  const double workspace = by_units ? static_cast<double>(size.strands) * kBf16Workspace : 0;
  const ProductBytes product = product_bytes(config, spec, e, size.strands);
  const auto tokens = static_cast<double>(size.tokens), targets = static_cast<double>(size.targets);
  const auto blocks = static_cast<double>(config.num_layers), vocab = static_cast<double>(config.vocab_size);
  const bool by_kernels = spec.compute != at::kHalf || !spec.device.is_cpu();
  const double row = e * w.hidden;  // of the residual stream

  const double held_inputs =
      recompute ? (spec.offload_block_inputs ? std::min(2.0, blocks) : blocks) * row : 0;
  const double kept = recompute ? held_inputs : blocks * block.kept;
  const double batch =
      tokens * (16 + kWide * w.head_dim) + 16 * targets;  // tokens, positions, rotary table; targets
  const double logits = static_cast<double>(std::min(size.targets, nn::kHeadRows)) * vocab;
  if (spec.trained == Trained::nothing)
    return batch + std::max(tokens * ((size.strands > 1 ? 2 : 1) * row + block.untaped) + product.block,
                            (tokens + targets) * row + logits * (e + 2 * kWide));

  const double in_forward = tokens * (kept + (recompute ? block.untaped : block.forward)) + product.block;
  const double at_head = tokens * (kept + 2 * row + kWide) + targets * 2 * row +
                         logits * (by_kernels ? e : 2 * e + 12) + std::max(product.head, logits * scratch);
  const double again =
      recompute ? block.kept - row + std::max(row + block.backward, row + block.forward) : block.backward;
  const double in_backward = tokens * (kept + row + again) + targets * row + product.strands +
                             std::max(workspace, product.block - tokens * e * w.inner) +
                             (by_kernels ? 0 : without_kernels(w, size));
  return batch + std::max({in_forward, at_head, in_backward});
}

}  // namespace hone::model
