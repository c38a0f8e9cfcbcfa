#include "core/cuda/kernel.cuh"
#include "core/generate/sampler_cuda.h"

namespace hone::generate {
namespace {

constexpr unsigned kThreads = 512;
constexpr int kDigitBits = 8, kDigits = 1 << kDigitBits;

// A candidate: larger is drawn from first. Logits compare in the upper half, then the lower id wins.
using Key = unsigned long long;
// Probabilities as whole multiples of 2^-40, so that sums are exact and need no order.
using Weight = unsigned long long;
constexpr float kOne = 0x1.0p40f;

__device__ Key key_of(float logit, std::int64_t id) {
  const unsigned bits = __float_as_uint(logit + 0.0f);  // -0 counts as 0
  const unsigned ordered = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return Key{ordered} << 32 | ~static_cast<unsigned>(id);
}

__device__ float logit_of(Key key) {
  const auto ordered = static_cast<unsigned>(key >> 32);
  return __uint_as_float(ordered & 0x80000000u ? ordered ^ 0x80000000u : ~ordered);
}

__device__ std::int32_t id_of(Key key) { return static_cast<std::int32_t>(~static_cast<unsigned>(key)); }

struct Softmax {
  float top;
  double least = -INFINITY;  // logits below are ruled out
  __device__ Weight operator()(Key key) const {
    const float logit = logit_of(key);
    return logit < least ? 0 : static_cast<Weight>(expf(logit - top) * kOne);
  }
};

struct Each {
  __device__ Weight operator()(Key) const { return 1; }
};

// Logits divided by the temperature.
template <class T, class Visit>
__device__ void for_each_key(const SampleArgs& a, Visit&& visit) {
  const T* logits = static_cast<const T*>(a.logits) + blockIdx.x * a.vocab;
  const float temperature = a.temperature > 0 ? static_cast<float>(a.temperature) : 1.0f;
  for (std::int64_t id = threadIdx.x; id < a.vocab; id += kThreads)
    visit(key_of(cuda::wide(logits[id]) / temperature, id));
}

template <class T>
__device__ Key largest_key(const SampleArgs& a) {
  Key largest = 0;
  for_each_key<T>(a, [&](Key key) { largest = max(largest, key); });
  return cuda::block_reduce(largest, Key{0}, [](Key x, Key y) { return max(x, y); });
}

template <class T>
__device__ Weight total_from(const SampleArgs& a, Key least, const Softmax& weight) {
  Weight total = 0;
  for_each_key<T>(a, [&](Key key) {
    if (key >= least) total += weight(key);
  });
  return cuda::block_sum(total);
}

// The key with which the weights, added up from the largest key down, first exceed `target`, which is below
// their total: digit by digit, by a histogram of weights over the keys that share the digits found so far.
template <class T, class WeightOf>
__device__ Key select(const SampleArgs& a, Weight target, const WeightOf& weight) {
  __shared__ Weight bins[kDigits];
  __shared__ Key found;
  __shared__ Weight rest;
  if (threadIdx.x == 0) {
    found = 0;
    rest = target;
  }
  Key known = 0;  // mask of the digits found
  for (int shift = 64 - kDigitBits; shift >= 0; shift -= kDigitBits) {
    for (int digit = threadIdx.x; digit < kDigits; digit += kThreads) bins[digit] = 0;
    __syncthreads();
    for_each_key<T>(a, [&](Key key) {
      if ((key & known) == found) atomicAdd(&bins[key >> shift & (kDigits - 1)], weight(key));
    });
    __syncthreads();
    if (threadIdx.x == 0) {
      int digit = kDigits - 1;
      for (; digit > 0 && bins[digit] <= rest; --digit) rest -= bins[digit];
      found |= Key{static_cast<unsigned>(digit)} << shift;
    }
    known |= Key{kDigits - 1} << shift;
    __syncthreads();
  }
  const Key key = found;
  __syncthreads();  // the shared values may be used again at once
  return key;
}

// The largest whole number below `share` of `total`, as a target of select.
__device__ Weight before(double share, Weight total) {
  const auto whole = static_cast<Weight>(ceil(share * static_cast<double>(total)));
  return min(max(whole, Weight{1}), total) - 1;
}

// Temperature, top-k (equals of the k-th stay), top-p, min-p, in this order.
template <class T>
__device__ Key draw(const SampleArgs& a, float top) {
  Softmax weight{top};
  Key least = 0;  // of what may be drawn
  if (a.top_k > 0 && a.top_k < a.vocab)
    least = select<T>(a, static_cast<Weight>(a.top_k - 1), Each{}) >> 32 << 32;
  if (a.top_p < 1) least = select<T>(a, before(a.top_p, total_from<T>(a, least, weight)), weight);
  if (a.min_p > 0) weight.least = top + log(a.min_p);
  const Weight kept = total_from<T>(a, least, weight);
  const auto point = static_cast<Weight>(a.uniform[blockIdx.x] * static_cast<double>(kept));
  return select<T>(a, min(point, kept - 1), weight);
}

// One block a row.
template <class T>
__global__ void __launch_bounds__(kThreads) sample(SampleArgs a) {
  const Key largest = largest_key<T>(a);
  const Key drawn = a.temperature > 0 ? draw<T>(a, logit_of(largest)) : largest;
  if (threadIdx.x == 0) a.ids[blockIdx.x] = id_of(drawn);
}

}  // namespace

void sample_cuda(const SampleArgs& a, void* stream) {
  HONE_CHECK(a.vocab > 0 && a.vocab < (1 << 23));  // so that a sum of weights fits
  if (a.rows == 0) return;
  cuda::with_type(a.type, [&]<class T>(T) {
    cuda::launch("sample_cuda", sample<T>, dim3(cuda::blocks_for(a.rows, 1)), kThreads, stream, a);
  });
}

}  // namespace hone::generate
