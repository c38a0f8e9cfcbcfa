#pragma once
// Collectives over the ranks of a run. dist implements it (local, threads, MPI; NCCL for device buffers later).
#include <cstddef>
#include <cstdint>
#include <memory>

namespace hone {

enum class CommType { f32, f64, bf16, f16, i32, i64, u8 };
enum class ReduceOp { sum, min, max };

// `count` elements at `data`; host memory unless a backend says otherwise. Not owned.
struct CommBuffer {
  void* data = nullptr;
  std::int64_t count = 0;
  CommType type = CommType::f32;
};

// A collective under way. The buffers belong to it until wait() returned.
class Work {
 public:
  virtual ~Work() = default;
  // Blocks until done. Throws Error(Exit::peer) naming the collective, its number and this rank once the
  // communicator's deadline has passed.
  virtual void wait() = 0;
};
using WorkPtr = std::unique_ptr<Work>;

// Contract: every collective is entered by all ranks, in the same order, or by none. Calls return at once; the
// work is done when wait() returned. After all_reduce every rank holds bitwise the same values: element i is
// reduced once, in a balanced binary tree over ranks, then distributed (NCCL: in the order it chooses). One communicator is used from one thread at a time.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int world_size() const = 0;

  virtual WorkPtr all_reduce(CommBuffer in_place, ReduceOp op) = 0;
  // `input` has world_size * output.count elements; rank r gets the reduced r-th part.
  virtual WorkPtr reduce_scatter(CommBuffer input, CommBuffer output, ReduceOp op) = 0;
  // `output` has world_size * input.count elements, in rank order. In place where input is its own part.
  virtual WorkPtr all_gather(CommBuffer input, CommBuffer output) = 0;
  virtual WorkPtr broadcast(CommBuffer buffer, int root) = 0;
  // Equal parts: element block r of input goes to rank r; both have world_size * k elements.
  virtual WorkPtr all_to_all(CommBuffer input, CommBuffer output) = 0;
  virtual WorkPtr barrier() = 0;
};
using CommunicatorPtr = std::unique_ptr<Communicator>;

}  // namespace hone
