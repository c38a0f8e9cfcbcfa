#pragma once
// Saves beside the training: save() copies this rank's shards and returns; a thread writes them. All
// collectives stay on the caller's thread, so every rank calls save, poll and wait at the same points. At
// most one save is under way. What went wrong on the thread is thrown, on every rank, by the next poll, wait
// or save.
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace hone::checkpoint {

class AsyncSaver {
 public:
  explicit AsyncSaver(CheckpointStore& store);
  ~AsyncSaver();  // waits for the thread, finishes nothing: call wait() first

  // Waits for the save under way, if any. `state` may change as soon as this returned, its layout may not.
  void save(const CheckpointState& state);
  // At a step's end: makes the checkpoint final once every rank has written. True when none is under way.
  bool poll();
  void wait();

  // Until a save that began now would be written, by the longest so far; a save under way is to be waited for too.
  // 0 before the first.
  double expected_seconds() const;

 private:
  struct Pending;
  void finish();

  CheckpointStore& store_;
  std::unique_ptr<Pending> pending_;
  double longest_ = 0;                         // seconds that a save took to write
  std::vector<std::vector<std::byte>> spare_;  // the last save's copies, to copy into
};

}  // namespace hone::checkpoint
