#pragma once
// Ranks that are forked processes of one machine without MPI: just what NcclCommunicator asks of its host.
#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include "dist/collective.h"

namespace hone::test {

constexpr int kMostRanks = 8;
constexpr std::size_t kMostBytes = 1024;  // of a rank in one collective

// Memory that all ranks see: made before the fork.
struct ForkSlot {
  std::atomic<std::int64_t> arrived[kMostRanks];  // by rank of the whole
  std::byte data[kMostRanks][kMostBytes];
};
struct ForkWorld {
  static constexpr int kSlots = 1024;
  ForkSlot slots[kSlots];  // one for each communicator
  static ForkWorld* make();
};

// all_gather, broadcast and barrier of small buffers; any other call is an error.
class ForkCommunicator final : public dist::CheckedCommunicator {
 public:
  ForkCommunicator(ForkWorld& world, int& next_slot, int slot, std::vector<int> members, int rank,
                   std::chrono::milliseconds deadline)
      : world_(world),
        next_slot_(next_slot),
        slot_(world.slots[slot]),
        members_(std::move(members)),
        rank_(rank),
        deadline_(deadline) {}
  int rank() const override { return rank_; }
  int world_size() const override { return static_cast<int>(members_.size()); }
  CommunicatorPtr split(int group) override;

 protected:
  WorkPtr start(const dist::Collective& collective) override;

 private:
  class Meeting;
  void meet(const std::string& what);

  ForkWorld& world_;
  int& next_slot_;  // of this process
  ForkSlot& slot_;
  const std::vector<int> members_;  // by rank of the whole
  const int rank_;
  const std::chrono::milliseconds deadline_;
  std::int64_t meetings_ = 0;
  std::int64_t next_number_ = 0;
};

}  // namespace hone::test
