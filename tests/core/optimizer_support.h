#pragma once
// Weights and gradients by formula, and steps of an optimizer over them.
#include <cmath>
#include <string>
#include <vector>

#include "core/optim/optimizer.h"
#include "tests/core/golden.h"

namespace hone::test {

using Shapes = std::vector<std::vector<std::int64_t>>;

// `values` of tests/golden/core/make_optim_goldens.py.
inline float formula_value(std::uint32_t i, std::uint32_t salt, float size) {
  const std::uint32_t mixed = (i * 2654435761u + salt * 40503u + 12345u) * 1103515245u + 12345u;
  return (static_cast<float>(mixed >> 8) * 0x1p-24f - 0.5f) * size *
         std::ldexp(1.0f, -static_cast<int>(i % 12));
}

inline void fill(std::vector<float>& arena, const ArenaLayout& layout, std::uint32_t salt, float size) {
  for (std::size_t p = 0; p < layout.parameters.size(); ++p) {
    const Range range = layout.parameters[p].range;
    for (std::int64_t e = range.begin; e < range.end; ++e)
      arena[e] = formula_value(static_cast<std::uint32_t>(e - range.begin),
                               salt + static_cast<std::uint32_t>(p), size);
  }
}

inline std::vector<float> start_weights(const ArenaLayout& layout) {
  std::vector<float> weights(layout.size);
  fill(weights, layout, 7, 2.0f);
  return weights;
}

// `step` counts from 0.
inline std::vector<float> step_gradient(const ArenaLayout& layout, std::int64_t step) {
  std::vector<float> gradient(layout.size);
  fill(gradient, layout, static_cast<std::uint32_t>(1000 * step), 4.0f);
  return gradient;
}

// A step, from 1, over `ranges` of whole arenas of weights and gradients.
inline optim::StepInput step_over(const std::vector<Range>& ranges, const StateTensor& weights,
                                  const float* gradient, std::int64_t step, double lr) {
  optim::StepInput in{.type = weights.type, .step = step, .lr = lr, .seed = 5};
  for (const Range& range : ranges)
    in.pieces.push_back({range, static_cast<std::byte*>(weights.data) + range.begin * size_of(weights.type),
                         gradient + range.begin});
  return in;
}
inline optim::StepInput step_over(std::vector<float>& weights, const float* gradient, std::int64_t step,
                                  double lr) {
  return step_over({{0, std::ssize(weights)}}, {"master", weights}, gradient, step, lr);
}

inline ArenaLayout layout_of_shapes(const Shapes& shapes) {
  ArenaLayoutBuilder builder;
  builder.begin_block("layers.0");
  for (std::size_t p = 0; p < shapes.size(); ++p)
    builder.add("p" + std::to_string(p), shapes[p], /*decay=*/true);
  return builder.finish();
}

inline at::Tensor parameter_values(const std::vector<float>& arena, const ParameterSlice& slice) {
  return at::tensor(at::ArrayRef<float>(arena.data() + slice.range.begin, slice.range.length()), at::kFloat)
      .view(slice.shape);
}

}  // namespace hone::test
