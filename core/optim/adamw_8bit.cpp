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

bool is_small(const Range& parameter) { return parameter.length() < kMin8BitSize; }

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
  AdamW8bit(const OptimOptions& options, const ArenaLayout& layout, const OwnedShards& owned)
      : options_(options),
        rules_(parameter_rules(options, layout)),
        state_(state_of(options, layout), owned) {
    for (const ParameterRule& rule : rules_) {
      small_at_.push_back(small_);
      if (is_small(rule.range)) small_ += rule.range.length();
    }
  }

  void update(const StepInput& in) override {
    update_small(in);
    for_parameters(rules_, in.pieces, [&](std::size_t p, const Piece& piece, Range part) {
      if (is_small(rules_[p].range)) return;
      const AdamCoefficients c = adam_coefficients(options_, rules_[p], in);
      edit_weights(in, piece, part, [&](float* w, const float* g, Range at) {
        for (Range block{at.begin, at.begin}; block.end < at.end;) {
          block = {block.end, std::min(block.end + kBlock, at.end)};
          update_block(w + (block.begin - at.begin), g + (block.begin - at.begin), block, c);
        }
      });
    });
  }

  std::vector<StateTensor> state() override { return state_.tensors(); }

 private:
  // The moments of small parameters are alike on every rank: each advances all of them, and moves the weights that
  // are its own.
  void update_small(const StepInput& in) {
    std::vector<double> gradient(static_cast<std::size_t>(small_));
    std::vector<float> w(gradient.size());
    for_small(in, [&](const Piece& piece, Range part, std::int64_t begin) {
      read_weights(in, piece, part, [&](const float* values, const float* g, Range at) {
        std::copy_n(values, at.length(), &w[begin + at.begin - part.begin]);
        std::copy_n(g, at.length(), &gradient[begin + at.begin - part.begin]);
      });
    });
    in.sum(gradient);
    const std::vector<float> g(gradient.begin(), gradient.end());
    for (std::size_t p = 0; p < rules_.size(); ++p)
      if (const std::int64_t at = small_at_[p]; is_small(rules_[p].range))
        adam_run(&w[at], &g[at], state_.whole(kSmall1) + at, state_.whole(kSmall2) + at,
                 rules_[p].range.length(), adam_coefficients(options_, rules_[p], in));
    for_small(in, [&](const Piece& piece, Range part, std::int64_t begin) {
      edit_weights(in, piece, part, [&](float* values, const float*, Range at) {
        std::copy_n(&w[begin + at.begin - part.begin], at.length(), values);
      });
    });
  }

  // visit(piece, part, where the part begins among the small parameters' values)
  template <class Visit>
  void for_small(const StepInput& in, Visit&& visit) const {
    for_parameters(rules_, in.pieces, [&](std::size_t p, const Piece& piece, Range part) {
      if (is_small(rules_[p].range)) visit(piece, part, small_at_[p] + part.begin - rules_[p].range.begin);
    });
  }

  void update_block(float* w, const float* g, Range block, const AdamCoefficients& c) {
    const std::int64_t n = block.length();
    std::uint8_t *codes1 = state_.u8(kState1, block.begin), *codes2 = state_.u8(kState2, block.begin);
    float &absmax1 = *state_.f32(kAbsmax1, block.begin), &absmax2 = *state_.f32(kAbsmax2, block.begin);
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
  std::int64_t small_ = 0;              // elements of small parameters
};

}  // namespace

OptimizerKind adamw_8bit() { return {state_of, make_as<AdamW8bit>, kBlock}; }

}  // namespace hone::optim
