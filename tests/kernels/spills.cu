// Needs more registers than a thread may have here: what the build must refuse.
__global__ void __launch_bounds__(1024, 2) spill(const float* in, float* out) {
  float values[128];
#pragma unroll
  for (int i = 0; i < 128; ++i) values[i] = in[i * 1024 + threadIdx.x];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 128; ++i) out[i * 1024 + threadIdx.x] = values[127 - i] * values[(i * 37) % 128];
}
