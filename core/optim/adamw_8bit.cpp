#include "core/optim/adamw_8bit.h"

#include "core/optim/adamw.h"
#include "core/optim/blockwise.h"
#include "core/optim/state_buffers.h"
#include "core/optim/trained_weights.h"

namespace hone::optim {
namespace {

constexpr std::int64_t kMin8BitSize = 4096;  // bitsandbytes' min_8bit_size
static_assert(ArenaLayoutBuilder::kAlignment % kBlock == 0 && kWeightPiece % kBlock == 0);

enum Buffer : std::size_t { kState1, kState2, kAbsmax1, kAbsmax2, kSmall1, kSmall2 };

bool is_small(const Range& parameter) {
  return parameter.length() < kMin8BitSize;
}

// bitsandbytes' names; what is small has its fp32 moments one parameter after the other.
std::vector<StateSpec> state_of(const OptimOptions&, const ArenaLayout& layout) {
  std::int64_t small = 0;
  for (const ParameterSlice& parameter : layout.parameters)
    if (is_small(parameter.range)) small += parameter.range.length();
  return {{"state1", StateType::u8, 1, layout.size},
          {"state2", StateType::u8, 1, layout.size},
          {"absmax1", StateType::f32, kBlock, layout.size / kBlock},
          {"absmax2", StateType::f32, kBlock, layout.size / kBlock},
          {"exp_avg", StateType::f32, StateSpec::kWhole, small},
          {"exp_avg_sq", StateType::f32, StateSpec::kWhole, small}};
}

class AdamW8bit final : public Optimizer {
 public:
  AdamW8bit(const OptimOptions& options, const ArenaLayout& layout)
      : options_(options), rules_(parameter_rules(options, layout)), state_(state_of(options, layout)) {
    std::int64_t small = 0;
    for (const ParameterRule& rule : rules_) {
      small_at_.push_back(small);
      if (is_small(rule.range)) small += rule.range.length();
    }
  }

  void update(Range range, const StepInput& in) override {
    for_parameters(rules_, range, [&](std::size_t p, Range part) {
      const AdamCoefficients c = adam_coefficients(options_, rules_[p], in);
      edit_weights(in, part, [&](float* w, Range at) {
        if (is_small(rules_[p].range)) {
          const std::int64_t offset = small_at_[p] + at.begin - rules_[p].range.begin;
          adam_run(w, in.gradient + at.begin, state_.f32(kSmall1) + offset, state_.f32(kSmall2) + offset,
                   at.length(), c);
        } else {
          for (Range block{at.begin, at.begin}; block.end < at.end;) {
            block = {block.end, std::min(block.end + kBlock, at.end)};
            update_block(w + (block.begin - at.begin), in.gradient + block.begin, block, c);
          }
        }
      });
    });
  }

  std::vector<StateTensor> state() override { return state_.tensors(); }
  std::int64_t granule() const override { return kBlock; }

 private:
  void update_block(float* w, const float* g, Range block, const AdamCoefficients& c) {
    const std::int64_t n = block.length(), b = block.begin / kBlock;
    std::uint8_t *codes1 = state_.u8(kState1) + block.begin, *codes2 = state_.u8(kState2) + block.begin;
    float &absmax1 = state_.f32(kAbsmax1)[b], &absmax2 = state_.f32(kAbsmax2)[b];
    float m[kBlock], v[kBlock];
    dequantize_block(signed_dynamic_map(), codes1, absmax1, m, n);
    dequantize_block(unsigned_dynamic_map(), codes2, absmax2, v, n);
    adam_run(w, g, m, v, n, c);
    absmax1 = quantize_block(signed_dynamic_map(), m, codes1, n);
    absmax2 = quantize_block(unsigned_dynamic_map(), v, codes2, n);
  }

  OptimOptions options_;
  std::vector<ParameterRule> rules_;
  StateBuffers state_;
  std::vector<std::int64_t> small_at_;  // of each parameter in the fp32 moments
};

}  // namespace

OptimizerKind adamw_8bit() {
  return {state_of, make_as<AdamW8bit>};
}

}  // namespace hone::optim
