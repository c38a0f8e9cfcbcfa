#pragma once
// How the CPU kernels walk rows: typed access to a tensor's rows, in parallel chunks.
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <vector>

#include "core/nn/cpu_math.h"

namespace hone::nn {

// Calls body(typed null pointer) with the element type of `tensor` (fp32 or bf16).
template <class Body>
void with_element_type(const at::Tensor& tensor, Body&& body) {
  if (tensor.scalar_type() == at::kFloat) {
    body(static_cast<float*>(nullptr));
  } else {
    body(static_cast<c10::BFloat16*>(nullptr));
  }
}

// A row as fp32: itself, or read into `wide`.
inline const float* as_floats(const float* row, float* /*wide*/, std::int64_t /*n*/) { return row; }
inline const float* as_floats(const c10::BFloat16* row, float* wide, std::int64_t n) {
  load_row(row, wide, n);
  return wide;
}

// Where a row of results is made: in place, or in `wide`, from where store_made brings it to its place.
inline float* made_in(float* row, float* /*wide*/) { return row; }
inline float* made_in(c10::BFloat16* /*row*/, float* wide) { return wide; }
inline void store_made(const float* /*made*/, float* /*row*/, std::int64_t /*n*/) {}
inline void store_made(const float* made, c10::BFloat16* row, std::int64_t n) { store_row(made, row, n); }

// body(begin, end) over [0, rows), cut so that a chunk is worth a thread.
template <class Body>
void for_rows(std::int64_t rows, std::int64_t elements_per_row, Body&& body) {
  const std::int64_t grain = std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, elements_per_row));
  at::parallel_for(0, rows, grain, body);
}

}  // namespace hone::nn
