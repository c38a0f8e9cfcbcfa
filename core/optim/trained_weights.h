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

// visit(values, gradient, at): of the elements `at`, first element first. They cover `range`, a part of `piece`, in
// order; fp32 weights come all at once and in place. What an edit leaves in widened bf16 weights is rounded
// stochastically.
template <Access access, class Visit>
void visit_weights(const StepInput& in, const Piece& piece, Range range, Visit&& visit) {
  const float* gradient = piece.gradient + (range.begin - piece.range.begin);
  if (in.type == StateType::f32)
    return visit(static_cast<float*>(piece.weights) + (range.begin - piece.range.begin), gradient, range);
  auto* bf16 = static_cast<std::uint16_t*>(piece.weights) + (range.begin - piece.range.begin);
  float values[kWeightPiece];
  for (Range at{range.begin, range.begin}; at.end < range.end;) {
    at = {at.end, std::min(at.end + kWeightPiece, range.end)};
    const std::int64_t offset = at.begin - range.begin;
    widen(bf16 + offset, values, at.length());
    visit(values, gradient + offset, at);
    if (access == Access::edit) round_stochastically(values, bf16 + offset, at, in.seed, in.step);
  }
}

template <class Edit>
void edit_weights(const StepInput& in, const Piece& piece, Range range, Edit&& edit) {
  visit_weights<Access::edit>(in, piece, range, edit);
}
template <class Read>
void read_weights(const StepInput& in, const Piece& piece, Range range, Read&& read) {
  visit_weights<Access::read>(in, piece, range, read);
}

}  // namespace hone::optim
