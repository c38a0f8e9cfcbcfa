#pragma once
// Collectives over the ranks of a run. dist implements it (local, threads, MPI; NCCL for device memory).
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/error.h"

namespace hone {

enum class CommType { f32, f64, bf16, f16, i32, i64, u8 };
enum class ReduceOp { sum, min, max };

// `count` elements at `data`. Not owned.
struct CommBuffer {
  void* data = nullptr;
  std::int64_t count = 0;
  CommType type = CommType::f32;
  bool on_device = false;  // where `data` lies; all buffers of a collective lie on the same side
};

// A collective under way. The buffers belong to it until wait() returned.
class Work {
 public:
  virtual ~Work() = default;
  // Host memory: blocks until done. Device memory: what the caller's stream does from here on comes after it;
  // the host does not wait. Throws Error(Exit::peer) naming the collective, its number and this rank once the
  // communicator's deadline has passed.
  virtual void wait() = 0;
  // As wait(), and blocks until done wherever the buffers lie.
  virtual void wait_on_host() { wait(); }
};
using WorkPtr = std::unique_ptr<Work>;

enum class CollectiveKind { all_reduce, reduce_scatter, all_gather, broadcast, all_to_all, barrier };
constexpr const char* name_of(CollectiveKind kind) {
  constexpr const char* names[] = {"all_reduce", "reduce_scatter", "all_gather",
                                   "broadcast",  "all_to_all",     "barrier"};
  return names[static_cast<int>(kind)];
}

// What this rank asked of a communicator so far. Bytes are the payload here: of the buffer (all_reduce,
// broadcast, all_to_all), of the input (reduce_scatter), of the output (all_gather).
struct Traffic {
  struct Count {
    std::int64_t calls = 0, bytes = 0;
    bool operator==(const Count&) const = default;
  };
  Count all_reduce, reduce_scatter, all_gather, broadcast, all_to_all, barrier;
  double waited_s = 0;  // the caller was blocked in wait()
  double busy_s = 0;    // a collective was under way, waiting for peers included; overlaps count once

  static constexpr Count Traffic::*kCounts[] = {&Traffic::all_reduce, &Traffic::reduce_scatter,
                                                &Traffic::all_gather, &Traffic::broadcast,
                                                &Traffic::all_to_all, &Traffic::barrier};
  Count& of(CollectiveKind kind) { return this->*kCounts[static_cast<int>(kind)]; }
  Traffic& operator+=(const Traffic& other) {
    for (const auto count : kCounts) {
      (this->*count).calls += (other.*count).calls;
      (this->*count).bytes += (other.*count).bytes;
    }
    waited_s += other.waited_s;
    busy_s += other.busy_s;
    return *this;
  }
};
// visit(name, count) for each kind.
template <class Visit>
void for_kinds(const Traffic& traffic, Visit&& visit) {
  int kind = 0;
  for (const auto count : Traffic::kCounts)
    visit(name_of(static_cast<CollectiveKind>(kind++)), traffic.*count);
}

// Contract: every collective is entered by all ranks, in the same order, or by none. Calls return at once;
// the work is done when wait() returned. After all_reduce every rank holds bitwise the same values: element i
// is reduced once (in host memory in a balanced binary tree over ranks), then distributed. One communicator
// is used from one thread at a time.
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

  // A collective: ranks that give the same `group` (0 or more) form a communicator of their own, ranked as
  // here, with the deadline and the errors of this one, which outlives it. Fakes need not.
  virtual std::unique_ptr<Communicator> split(int group) {
    throw Error(Exit::internal, "MP011", "this communicator has no groups", "split", std::to_string(group),
                "this is a bug in hone");
  }
  // From any thread. Counts of its own: those of groups are theirs. Zero for fakes.
  virtual Traffic traffic() const { return {}; }
};
using CommunicatorPtr = std::unique_ptr<Communicator>;

}  // namespace hone
