#pragma once
// One NCCL communicator of this process with the stream it works on: calls that wait for nobody, a thread
// that sees them through, and the end of both when a peer is silent.
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/base/error.h"
#include "dist/nccl_api.h"
#include "dist/traffic_meter.h"

namespace hone::dist {

// The device a rank computes on, as device collectives see it.
struct DeviceUse {
  int device = 0;
  std::function<CudaStream()> compute_stream;  // the one that the calling thread's work is queued on now
};

struct NcclSetup {
  const NcclLibraries* libraries = nullptr;  // outlives every line
  DeviceUse use;
  std::string place;  // of this rank in errors: "rank 1 on node7"
  std::chrono::milliseconds deadline{};
};

// A collective that is on the stream.
class NcclCall {
 public:
  NcclCall(const CudaApi& cuda, std::string what);
  ~NcclCall();
  NcclCall(const NcclCall&) = delete;
  NcclCall& operator=(const NcclCall&) = delete;

 private:
  friend class NcclLine;
  const CudaApi& cuda_;
  const std::string what_;
  CudaEvent begun_ = nullptr, done_ = nullptr;
  std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now();
  bool captured_ = false;  // into a graph: it runs when that is replayed, and nobody watches
  bool ended_ = false;     // under the line's mutex: done, or given up with all others
};
using NcclCallPtr = std::shared_ptr<NcclCall>;

// Used from one thread; the other is its own. Throws Error(Exit::peer): MP005 where a collective (or NCCL's
// answer to a call) took longer than the deadline, MP006 where one was left, MP013 where NCCL or CUDA
// reported an error; each ends the line, on the device too (ncclCommAbort), and every call throws it again.
class NcclLine {
 public:
  using Open = std::function<int(NcclComm*)>;
  using Enqueue = std::function<int(NcclComm, CudaStream)>;

  // All ranks; `open` makes the communicator.
  NcclLine(NcclSetup setup, std::shared_ptr<TrafficMeter> meter, const Open& open);
  // Sees everything through that is under way, unless an exception passes.
  ~NcclLine();

  // A part of it, as NCCL makes it from the whole: `color` and `key` as in ncclCommSplit.
  std::unique_ptr<NcclLine> split(int color, int key, std::shared_ptr<TrafficMeter> meter);

  // Puts a collective on the stream, after all that the caller's stream does so far.
  NcclCallPtr launch(const std::string& what, const Enqueue& enqueue);
  // What the caller's stream does from here on comes after the call.
  void join(const NcclCall& call);
  // Blocks until it is done.
  void wait_for(const NcclCall& call);
  // Returns when it no longer touches its buffers; where it was not done it ends the line.
  void leave(const NcclCall& call);
  // Throws what ended the line.
  void check();

 private:
  using Clock = std::chrono::steady_clock;
  using Lock = std::unique_lock<std::mutex>;

  const NcclApi& nccl() const { return setup_.libraries->nccl; }
  const CudaApi& cuda() const { return setup_.libraries->cuda; }
  Error silent(const std::string& what) const;
  Error failed(const std::string& what, const std::string& why) const;
  void cuda_check(Lock& lock, int code, const char* call);
  int state() const;
  void settle(Lock& lock, const std::string& what, int code);
  void end(const Error& error);
  [[noreturn]] void give_up(Lock& lock, const Error& error);

  void watch();
  bool retire_done();
  void look_for_trouble();
  void finalize(Lock& lock);
  void abort_all(Lock& lock);
  void close();

  const NcclSetup setup_;
  const std::shared_ptr<TrafficMeter> meter_;
  const int exceptions_ = std::uncaught_exceptions();
  CudaStream stream_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  NcclComm comm_ = nullptr;
  NcclComm part_ = nullptr;          // of a split: filled by NCCL's thread
  std::deque<NcclCallPtr> pending_;  // in the order of the stream
  Clock::time_point progress_ = Clock::now();
  std::exception_ptr failure_;
  bool aborted_ = false;
  bool closing_ = false;
  std::thread thread_;  // last: starts when all else is there
};

}  // namespace hone::dist
