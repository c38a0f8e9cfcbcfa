#pragma once
// Bytes that every rank keeps a part of, whole for as long as they are needed. All ranks call start, wait and
// release in the same order.
#include <ATen/core/Tensor.h>

#include "core/ports/communicator.h"

namespace hone::model {

class GatheredBytes {
 public:
  // `part`: bytes of a rank, the same on all. The memory is there, its values are not, until the first
  // release().
  GatheredBytes(std::int64_t part, Communicator& communicator, at::Device device);

  // u8 [world_size * part]. Tensors of its storage may be kept; they hold values from wait() to release()
  // only.
  const at::Tensor& whole() const { return whole_; }
  // Begins to gather; `own` is this rank's part, u8 [part]. Nothing where that was done already.
  void start(const at::Tensor& own);
  void wait();     // after start()
  void release();  // gives the memory back
  bool started() const { return started_; }

 private:
  Communicator* communicator_;
  std::size_t bytes_;
  at::Tensor whole_, own_;
  WorkPtr under_way_;
  bool started_ = true;
};

}  // namespace hone::model
