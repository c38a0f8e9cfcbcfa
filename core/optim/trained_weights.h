#pragma once
// The weights of a step as fp32 values in host memory, whatever they are stored in.
#include <algorithm>
#include <cstdint>

#include "core/optim/optimizer.h"

namespace hone::optim {

// fp32 to bf16, up or down with the probability that makes the mean the value itself. The draw is a function
// of (seed, step, element of the arena): ranks, cuts and resuming do not matter. Not finite stays not finite.
void round_stochastically(const float* values, std::uint16_t* bf16, Range elements, std::uint64_t seed,
                          std::int64_t step);

// bf16 weights are widened in pieces of this many elements, counted from where the range begins.
inline constexpr std::int64_t kWeightPiece = 1024;
void widen(const std::uint16_t* bf16, float* values, std::int64_t count);

enum class Access { read, edit };

// visit(values, piece): values[i] is the weight at piece.begin + i. The pieces cover `range` in order; fp32
// weights come in one piece and in place. What an edit leaves in widened bf16 weights is rounded
// stochastically.
template <Access access, class Visit>
void visit_weights(const StepInput& in, Range range, Visit&& visit) {
  if (in.weights.type == StateType::f32) return visit(in.weights.floats().data() + range.begin, range);
  auto* bf16 = static_cast<std::uint16_t*>(in.weights.data);
  float values[kWeightPiece];
  for (Range piece{range.begin, range.begin}; piece.end < range.end;) {
    piece = {piece.end, std::min(piece.end + kWeightPiece, range.end)};
    widen(bf16 + piece.begin, values, piece.length());
    visit(values, piece);
    if (access == Access::edit) round_stochastically(values, bf16 + piece.begin, piece, in.seed, in.step);
  }
}

template <class Edit>
void edit_weights(const StepInput& in, Range range, Edit&& edit) {
  visit_weights<Access::edit>(in, range, edit);
}
template <class Read>
void read_weights(const StepInput& in, Range range, Read&& read) {
  visit_weights<Access::read>(in, range, read);
}

}  // namespace hone::optim
