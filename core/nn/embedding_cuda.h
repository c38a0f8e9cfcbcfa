#pragma once
// Rows of a table by token id on a CUDA device. Device pointers, contiguous; ids in [0, vocabulary) are the
// caller's promise. Queued on `stream`. Error CU001 without a device, CU002 on a failed launch.
#include <cstdint>

#include "core/cuda/float_type.h"

namespace hone::nn {

// out [tokens, width] = table [V, width] at ids [tokens].
void embedding_forward_cuda(CudaFloat type, std::int64_t tokens, std::int64_t width, const std::int64_t* ids,
                            const void* table, void* out, void* stream);
// gradient [V, width] fp32 += d_out [tokens, width], equal ids in token order: the same bits every time.
void embedding_backward_cuda(CudaFloat type, std::int64_t tokens, std::int64_t width, const std::int64_t* ids,
                             const void* d_out, float* gradient, void* stream);

}  // namespace hone::nn
