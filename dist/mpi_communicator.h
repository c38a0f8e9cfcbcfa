#pragma once
// Host-memory collectives between processes. One communication thread makes all MPI calls of this
// communicator, in the order they were asked for, while the caller computes.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "dist/collective.h"
#include "dist/mpi_collectives.h"
#include "dist/mpi_exchange.h"
#include "dist/mpi_session.h"

namespace hone::dist {

class MpiCommunicator final : public CheckedCommunicator {
 public:
  static constexpr std::size_t kPieceBytes = std::size_t{8} << 20;

  // All ranks of the session; before any of its communicators is split they make them in the same order. The
  // session, launched, outlives it; so must every Work be gone before it. After a failure every call throws
  // that failure again. Errors: see MpiExchange.
  MpiCommunicator(MpiSession& session, std::chrono::milliseconds deadline,
                  std::size_t piece_bytes = kPieceBytes);
  ~MpiCommunicator() override;

  int rank() const override { return exchange_.rank(); }
  int world_size() const override { return exchange_.world_size(); }
  CommunicatorPtr split(int group) override;

 protected:
  WorkPtr start(const Collective& collective) override;

 private:
  class Job;
  MpiCommunicator(MpiSession& session, std::vector<int> members, int channel,
                  std::chrono::milliseconds deadline, std::size_t piece_bytes);
  void run_jobs();
  void finish(Job& job, std::exception_ptr error);
  void wait_for(Job& job);
  void abandon(Job& job);

  MpiSession& session_;
  const std::chrono::milliseconds deadline_;
  const std::size_t piece_bytes_;
  std::atomic<bool> abandoned_ = false;
  MpiExchange exchange_;
  MpiCollectives collectives_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::exception_ptr failure_;
  std::int64_t next_number_ = 0;
  bool closing_ = false;
  std::thread thread_;  // last: starts when all else is there
};

}  // namespace hone::dist
