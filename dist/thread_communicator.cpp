#include "dist/thread_communicator.h"

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

#include "core/base/error.h"
#include "dist/group.h"
#include "dist/host_collectives.h"

namespace hone::dist {

// What the ranks share. The last rank to enter a collective performs it for all, under the mutex: a rank
// whose wait() ended early has marked the group failed there, so nobody touches its buffers any more.
class ThreadGroup {
 public:
  // `members`: by their ranks among all `threads`.
  ThreadGroup(std::vector<int> members, int threads, std::chrono::milliseconds deadline)
      : members_(std::move(members)),
        ranks_(static_cast<int>(members_.size())),
        threads_(threads),
        deadline_(deadline) {}
  int ranks() const { return ranks_; }
  void enter(int rank, std::int64_t number, const Collective& collective,
             std::shared_ptr<TrafficMeter> meter);
  void wait(int rank, std::int64_t number);
  void abandon(int rank, std::int64_t number);
  void fail(int rank, const std::string& reason);
  // The group of these ranks of ours, one for all that ask with the same number. What fails here fails there.
  std::shared_ptr<ThreadGroup> part(std::int64_t number, const std::vector<int>& ranks);

 private:
  using Clock = TrafficMeter::Clock;
  struct Entry {
    Collective collective;
    std::shared_ptr<TrafficMeter> meter;
    Clock::time_point at;
  };
  struct Meeting {
    std::vector<std::optional<Entry>> entered;
    int left = 0;  // ranks that saw it done
    bool done = false;
  };
  Meeting& meeting(std::int64_t number);
  void perform_if_complete(std::int64_t number, Meeting& meeting);
  void fail_locked(const Error& error);
  void fail_as(const Error& error);
  std::string place(int rank) const;
  [[noreturn]] void give_up(int rank, std::int64_t number, const Meeting& meeting);

  const std::vector<int> members_;
  const int ranks_, threads_;
  const std::chrono::milliseconds deadline_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::int64_t, Meeting> meetings_;
  std::map<std::pair<std::int64_t, int>, std::shared_ptr<ThreadGroup>> parts_;  // by number and first rank
  std::optional<Error> failure_;
};

namespace {

class ThreadWork final : public Work {
 public:
  ThreadWork(std::shared_ptr<ThreadGroup> group, int rank, std::int64_t number)
      : group_(std::move(group)), rank_(rank), number_(number) {}
  ~ThreadWork() override {
    if (!waited_) group_->abandon(rank_, number_);
  }
  void wait() override {
    if (waited_) return;
    waited_ = true;
    group_->wait(rank_, number_);
  }

 private:
  std::shared_ptr<ThreadGroup> group_;
  int rank_;
  std::int64_t number_;
  bool waited_ = false;
};

}  // namespace

std::string ThreadGroup::place(int rank) const {
  return "rank " + std::to_string(members_[static_cast<std::size_t>(rank)]) + " of " +
         std::to_string(threads_) + " threads";
}

ThreadGroup::Meeting& ThreadGroup::meeting(std::int64_t number) {
  Meeting& found = meetings_[number];
  found.entered.resize(static_cast<std::size_t>(ranks_));
  return found;
}

// Locks go from a group to its parts.
void ThreadGroup::fail_locked(const Error& error) {
  if (!failure_) failure_ = error;
  changed_.notify_all();
  for (const auto& [key, part] : parts_) part->fail_as(error);
}

void ThreadGroup::fail_as(const Error& error) {
  const std::lock_guard lock(mutex_);
  fail_locked(error);
}

std::shared_ptr<ThreadGroup> ThreadGroup::part(std::int64_t number, const std::vector<int>& ranks) {
  const std::lock_guard lock(mutex_);
  if (failure_) throw *failure_;
  std::shared_ptr<ThreadGroup>& part = parts_[{number, ranks.front()}];
  if (!part) {
    std::vector<int> members;
    for (const int rank : ranks) members.push_back(members_[static_cast<std::size_t>(rank)]);
    part = std::make_shared<ThreadGroup>(std::move(members), threads_, deadline_);
  }
  return part;
}

void ThreadGroup::enter(int rank, std::int64_t number, const Collective& collective,
                        std::shared_ptr<TrafficMeter> meter) {
  const std::lock_guard lock(mutex_);
  if (failure_) throw *failure_;
  Meeting& here = meeting(number);
  here.entered[static_cast<std::size_t>(rank)] = Entry{collective, std::move(meter), Clock::now()};
  perform_if_complete(number, here);
}

void ThreadGroup::perform_if_complete(std::int64_t number, Meeting& meeting) {
  std::vector<Collective> of_rank;
  for (const auto& entered : meeting.entered)
    if (entered) of_rank.push_back(entered->collective);
  if (of_rank.size() < meeting.entered.size()) return;
  const std::string differs = disagreement(of_rank);
  if (!differs.empty())
    return fail_locked(Error(Exit::internal, "MP007", "ranks disagree about a collective",
                             "number " + std::to_string(number), differs, "this is a bug in hone"));
  perform(of_rank);
  meeting.done = true;
  for (const auto& entered : meeting.entered) entered->meter->under_way(entered->at, Clock::now());
  changed_.notify_all();
}

void ThreadGroup::wait(int rank, std::int64_t number) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return failure_ || meetings_.at(number).done; };
  const bool in_time = changed_.wait_for(lock, deadline_, ready);
  Meeting& here = meetings_.at(number);
  if (!here.done && failure_) throw *failure_;
  if (!in_time) give_up(rank, number, here);
  if (++here.left == ranks_) meetings_.erase(number);
}

void ThreadGroup::give_up(int rank, std::int64_t number, const Meeting& meeting) {
  std::string silent;
  for (int r = 0; r < ranks_; ++r)
    if (!meeting.entered[static_cast<std::size_t>(r)])
      silent += (silent.empty() ? "" : ", ") + std::to_string(members_[static_cast<std::size_t>(r)]);
  const Collective& own = meeting.entered[static_cast<std::size_t>(rank)]->collective;
  const Error error(Exit::peer, "MP005", "a peer did not answer", place(rank),
                    describe(own) + ", number " + std::to_string(number) + ", waited " +
                        std::to_string(deadline_.count()) + " ms for rank " + silent);
  fail_locked(error);
  throw error;
}

void ThreadGroup::abandon(int rank, std::int64_t number) {
  const std::lock_guard lock(mutex_);
  Meeting& here = meeting(number);
  if (!here.done)
    return fail_locked(Error(Exit::peer, "MP006", "a peer left a collective", place(rank),
                             "number " + std::to_string(number) + " was started and not waited for"));
  if (++here.left == ranks_) meetings_.erase(number);
}

void ThreadGroup::fail(int rank, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  fail_locked(Error(Exit::peer, "MP006", "a peer failed", place(rank), reason));
}

ThreadCommunicator::ThreadCommunicator(std::shared_ptr<ThreadGroup> group, int rank)
    : group_(std::move(group)), rank_(rank) {}

int ThreadCommunicator::world_size() const { return group_->ranks(); }

CommunicatorPtr ThreadCommunicator::split(int group) {
  const Group part = agree_on_group(*this, group);
  return std::make_unique<ThreadCommunicator>(group_->part(splits_++, part.members), part.rank);
}

WorkPtr ThreadCommunicator::start(const Collective& collective) {
  const std::int64_t number = next_++;
  group_->enter(rank_, number, collective, meter());
  return std::make_unique<ThreadWork>(group_, rank_, number);
}

namespace {

// Keeps the failure that came first; that of a rank which was only released (MP006) gives way to its cause.
class FirstFailure {
 public:
  void record(const std::exception& error) {
    const auto* ours = dynamic_cast<const Error*>(&error);
    const bool released = ours && ours->code() == "MP006";
    const std::lock_guard lock(mutex_);
    if (first_ && (released || !first_released_)) return;
    first_ = std::current_exception();
    first_released_ = released;
  }
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
  bool first_released_ = false;
};

}  // namespace

void run_ranks(int ranks, const std::function<void(Communicator&)>& body,
               std::chrono::milliseconds deadline) {
  HONE_CHECK(ranks >= 1);
  std::vector<int> members(static_cast<std::size_t>(ranks));
  std::iota(members.begin(), members.end(), 0);
  const auto group = std::make_shared<ThreadGroup>(std::move(members), ranks, deadline);
  FirstFailure failure;
  const auto run = [&](int rank) {
    ThreadCommunicator communicator(group, rank);
    try {
      body(communicator);
    } catch (const std::exception& error) {
      failure.record(error);
      group->fail(rank, error.what());
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < ranks; ++rank) threads.emplace_back(run, rank);
  }
  failure.rethrow();
}

}  // namespace hone::dist
