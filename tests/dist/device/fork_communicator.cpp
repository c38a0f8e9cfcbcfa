#include "tests/dist/device/fork_communicator.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "dist/backoff.h"
#include "dist/group.h"
#include "dist/reduce.h"

namespace hone::test {

using namespace dist;

ForkWorld* ForkWorld::make() {
  void* memory = mmap(nullptr, sizeof(ForkWorld), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  HONE_CHECK(memory != MAP_FAILED);
  return new (memory) ForkWorld{};
}

// Does its work when it is waited for.
class ForkCommunicator::Meeting final : public Work {
 public:
  Meeting(ForkCommunicator& owner, const Collective& collective, std::int64_t number)
      : owner_(owner),
        collective_(collective),
        what_(describe(collective) + ", number " + std::to_string(number)) {}
  void wait() override {
    if (std::exchange(done_, true)) return;
    auto& data = owner_.slot_.data;
    const auto& members = owner_.members_;
    const std::size_t bytes = bytes_of(collective_.input);
    copy_bytes(data[members[static_cast<std::size_t>(owner_.rank_)]], collective_.input.data, bytes);
    owner_.meet(what_);
    auto* out = static_cast<std::byte*>(collective_.output.data);
    if (collective_.kind == CollectiveKind::broadcast)
      copy_bytes(out, data[members[static_cast<std::size_t>(collective_.root)]], bytes);
    for (std::size_t r = 0; collective_.kind == CollectiveKind::all_gather && r < members.size(); ++r)
      copy_bytes(out + r * bytes, data[members[r]], bytes);
    owner_.meet(what_);  // all have read
  }

 private:
  ForkCommunicator& owner_;
  const Collective collective_;
  const std::string what_;
  bool done_ = false;
};

WorkPtr ForkCommunicator::start(const Collective& collective) {
  const auto kind = collective.kind;
  HONE_CHECK(kind == CollectiveKind::barrier || kind == CollectiveKind::broadcast ||
             kind == CollectiveKind::all_gather);
  HONE_CHECK(bytes_of(collective.input) <= kMostBytes);
  return std::make_unique<Meeting>(*this, collective, next_number_++);
}

void ForkCommunicator::meet(const std::string& what) {
  slot_.arrived[members_[static_cast<std::size_t>(rank_)]] = ++meetings_;
  const auto began = Backoff::Clock::now();
  Backoff backoff;
  const auto absent = [&](int member) { return slot_.arrived[member] < meetings_; };
  while (std::any_of(members_.begin(), members_.end(), absent)) {
    const auto poll = Backoff::Clock::now();
    if (poll - began > deadline_)
      throw Error(Exit::peer, "MP005", "a peer did not answer",
                  "rank " + std::to_string(members_[static_cast<std::size_t>(rank_)]),
                  what + ", waited " + std::to_string(deadline_.count()) + " ms for rank " +
                      std::to_string(*std::find_if(members_.begin(), members_.end(), absent)));
    backoff.pause(poll);
  }
}

// Slots are taken from where no rank has one; groups differ by their first member.
CommunicatorPtr ForkCommunicator::split(int group) {
  const Group part = agree_on_group(*this, group);
  std::vector<std::int32_t> next(members_.size());
  std::int32_t own = next_slot_;
  all_gather({&own, 1, CommType::i32}, {next.data(), world_size(), CommType::i32})->wait();
  const int base = *std::max_element(next.begin(), next.end());
  next_slot_ = base + kMostRanks;
  HONE_CHECK(next_slot_ <= ForkWorld::kSlots);
  std::vector<int> members;
  for (const int rank : part.members) members.push_back(members_[static_cast<std::size_t>(rank)]);
  const int slot = base + members.front();
  return std::make_unique<ForkCommunicator>(world_, next_slot_, slot, std::move(members), part.rank,
                                            deadline_);
}

}  // namespace hone::test
