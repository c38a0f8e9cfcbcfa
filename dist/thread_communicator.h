#pragma once
// Ranks as threads of one process: real collectives in one debugger-friendly test.
#include <chrono>
#include <functional>
#include <memory>

#include "dist/collective.h"

namespace hone::dist {

class ThreadGroup;

class ThreadCommunicator final : public CheckedCommunicator {
 public:
  ThreadCommunicator(std::shared_ptr<ThreadGroup> group, int rank);
  int rank() const override { return rank_; }
  int world_size() const override;
  CommunicatorPtr split(int group) override;

 protected:
  WorkPtr start(const Collective& collective) override;

 private:
  std::shared_ptr<ThreadGroup> group_;
  int rank_;
  std::int64_t next_ = 0;
  std::int64_t splits_ = 0;
};

// Runs `body` as `ranks` ranks, each on a thread of its own, and returns when all are done. If one throws,
// the others are released from their collectives with Error(Exit::peer, "MP006"), and the first failure is
// rethrown.
void run_ranks(int ranks, const std::function<void(Communicator&)>& body,
               std::chrono::milliseconds deadline = std::chrono::seconds(60));

}  // namespace hone::dist
