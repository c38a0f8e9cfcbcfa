#pragma once
// A batch on the model's device. To a device it goes as one run of int32 words, so that one copy brings it
// all and a captured graph, which reads the words again at every replay, sees the next batch.
#include <vector>

#include "core/nn/pass.h"
#include "core/ports/token_batch.h"

namespace hone::nn {

BatchTensors to_tensors(const TokenBatch& batch, at::Device device);

// What the words mean depends on these numbers alone.
struct BatchShape {
  std::int64_t tokens = 0, sequences = 0, longest = 0;
  std::int64_t words() const { return 2 + 5 * tokens + sequences + 1; }
  auto operator<=>(const BatchShape&) const = default;
};
BatchShape shape_of(const TokenBatch& batch);

std::vector<std::int32_t> pack(const TokenBatch& batch);
// `words` [shape.words()] int32, on a device, must outlive the result. On CUDA by device operations only, and
// the host's part of the result is empty; elsewhere, where operators read it, it is read back.
BatchTensors unpack(const at::Tensor& words, const BatchShape& shape);

}  // namespace hone::nn
