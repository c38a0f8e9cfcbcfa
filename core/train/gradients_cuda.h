#pragma once
// Global norm, finiteness and clipping of the gradient arena on a CUDA device. Device pointers; queued on
// `stream`; the results lie in device memory. Sums go by chunks of 4096 as in train::global_norm, in a fixed
// order: the same bits on every device. Error CU001, CU002 as elsewhere.
#include <cstdint>

namespace hone::train {

inline constexpr std::int64_t kNormChunk = 4096;

// *norm = L2 norm; workspace: [ceil(elements / kNormChunk)] doubles.
void global_norm_cuda(const float* values, std::int64_t elements, double* workspace, double* norm,
                      void* stream);
// *first = index of the first value that is not finite; -1: none.
void first_not_finite_cuda(const float* values, std::int64_t elements, std::int64_t* first, void* stream);
// values *= factor
void scale_cuda(float* values, std::int64_t elements, float factor, void* stream);

}  // namespace hone::train
