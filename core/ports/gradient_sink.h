#pragma once
// Where a backward pass leaves the gradients of what is trained. The sink lends the buffer of a parameter to
// accumulate into, and is told when a block has received all it gets from this micro-batch (a tied embedding
// last); overlap of communication, sharding and deterministic trees live behind it.
#include <cstddef>

namespace at {
class Tensor;
}

namespace hone {

class GradientSink {
 public:
  virtual ~GradientSink() = default;
  // fp32, in the parameter's shape; valid until its block is final. `parameter` indexes ArenaLayout::parameters.
  virtual at::Tensor gradient(std::size_t parameter) = 0;
  virtual void block_final(std::size_t block) = 0;  // indexes ArenaLayout::blocks
};

}  // namespace hone
