#pragma once
// Small helpers of the CPU kernels: fp32 arithmetic on rows stored as fp32 or bf16. The row functions are
// compiled for several instruction sets and chosen at load time.
#include <ATen/core/Tensor.h>
#include <c10/util/BFloat16.h>

#include <cstdint>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define HONE_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define HONE_CLONES
#endif

namespace hone::nn {

// The CPU kernels take contiguous fp32 or bf16 tensors; everything else goes by ATen.
bool has_cpu_kernel(const at::Tensor& tensor);

void load_row(const float* in, float* out, std::int64_t n);
void load_row(const c10::BFloat16* in, float* out, std::int64_t n);
void store_row(const float* in, float* out, std::int64_t n);
void store_row(const float* in, c10::BFloat16* out, std::int64_t n);

float dot(const float* a, const float* b, std::int64_t n);
void axpy(float alpha, const float* x, float* y, std::int64_t n);  // y += alpha x
float max_of(const float* x, std::int64_t n);
float sum_of(const float* x, std::int64_t n);
// x = exp(x - shift); returns the sum. Relative error below 3e-7.
float exp_and_sum(float* x, float shift, std::int64_t n);
void scale(float* x, float factor, std::int64_t n);
void scale_shift(float* x, float factor, float shift, std::int64_t n);  // x = x * factor + shift
void silu_mul(const float* gate, const float* up, float* out, std::int64_t n);
// The results may stand where gate and up do.
void silu_mul_backward(const float* d_out, const float* gate, const float* up, float* d_gate, float* d_up,
                       std::int64_t n);

}  // namespace hone::nn
