#include "dist/mpi_communicator.h"

#include <sys/prctl.h>

#include <numeric>

#include "core/base/error.h"
#include "core/base/phase.h"
#include "dist/group.h"

namespace hone::dist {

class MpiCommunicator::Job final {
 public:
  Job(const Collective& collective, std::int64_t number)
      : collective(collective),
        what(describe(collective) + ", number " + std::to_string(number) + ", phase " + current_phase()) {}
  const Collective collective;
  const std::string what;
  bool done = false;  // these two under the communicator's mutex
  std::exception_ptr error;
};

namespace {

std::vector<int> all_ranks(const MpiSession& session) {
  std::vector<int> ranks(static_cast<std::size_t>(session.world_size()));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

}  // namespace

MpiCommunicator::MpiCommunicator(MpiSession& session, std::chrono::milliseconds deadline,
                                 std::size_t piece_bytes)
    : MpiCommunicator(session, all_ranks(session), session.open_channel(session.next_channel()), deadline,
                      piece_bytes) {}

MpiCommunicator::MpiCommunicator(MpiSession& session, std::vector<int> members, int channel,
                                 std::chrono::milliseconds deadline, std::size_t piece_bytes)
    : session_(session),
      deadline_(deadline),
      piece_bytes_(piece_bytes),
      exchange_(session, std::move(members), channel, deadline, abandoned_),
      collectives_(exchange_, piece_bytes) {
  HONE_CHECK(session.launched() && piece_bytes > 0);
  thread_ = std::thread([this] { run_jobs(); });
}

MpiCommunicator::~MpiCommunicator() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

CommunicatorPtr MpiCommunicator::split(int group) {
  const Group part = agree_on_group(*this, group);
  std::int32_t channel = session_.next_channel();
  all_reduce({&channel, 1, CommType::i32}, ReduceOp::max)->wait();
  std::vector<int> members;
  for (const int rank : part.members) members.push_back(exchange_.members()[static_cast<std::size_t>(rank)]);
  return CommunicatorPtr(new MpiCommunicator(session_, std::move(members), session_.open_channel(channel),
                                             deadline_, piece_bytes_));
}

WorkPtr MpiCommunicator::start(const Collective& collective) {
  class JobWork final : public Work {
   public:
    JobWork(MpiCommunicator& owner, std::shared_ptr<Job> job) : owner_(owner), job_(std::move(job)) {}
    // Left without wait(), as when an exception passes: the communication thread must be off the buffers
    // first.
    ~JobWork() override {
      if (!waited_) owner_.abandon(*job_);
    }
    void wait() override {
      if (waited_) return;
      waited_ = true;
      owner_.wait_for(*job_);
      if (job_->error) std::rethrow_exception(job_->error);
    }

   private:
    MpiCommunicator& owner_;
    std::shared_ptr<Job> job_;
    bool waited_ = false;
  };

  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  auto job = std::make_shared<Job>(collective, next_number_++);
  queue_.push_back(job);
  changed_.notify_all();
  return std::make_unique<JobWork>(*this, std::move(job));
}

void MpiCommunicator::wait_for(Job& job) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return job.done; });
}

void MpiCommunicator::abandon(Job& job) {
  std::unique_lock lock(mutex_);
  if (!job.done) abandoned_ = true;
  changed_.wait(lock, [&] { return job.done; });
}

void MpiCommunicator::finish(Job& job, std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  job.error = error;
  job.done = true;
  if (!failure_) failure_ = error;
  changed_.notify_all();
}

void MpiCommunicator::run_jobs() {
  prctl(PR_SET_NAME, "hone-mpi");
  prctl(PR_SET_TIMERSLACK, 1000UL);  // ns; the default of 50 us would dominate short waits
  while (true) {
    std::shared_ptr<Job> job;
    std::exception_ptr failure;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return closing_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
      failure = failure_;
    }
    const auto began = TrafficMeter::Clock::now();
    try {
      if (!failure) collectives_.run(job->collective, job->what);
    } catch (...) {
      failure = std::current_exception();
    }
    meter()->under_way(began, TrafficMeter::Clock::now());
    finish(*job, failure);
  }
}

}  // namespace hone::dist
