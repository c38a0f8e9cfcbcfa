#include "dist/nccl_line.h"

#include <sys/prctl.h>

#include <algorithm>
#include <future>
#include <utility>

#include "dist/backoff.h"

namespace hone::dist {
namespace {

constexpr std::chrono::seconds kPatienceAtTheEnd{
    10};  // with ncclCommAbort and ncclCommFinalize, which may hang

std::string seconds(std::chrono::milliseconds time) {
  return std::to_string(time.count() / 1000) + "." + std::to_string(time.count() % 1000 / 100) + " s";
}

}  // namespace

NcclCall::NcclCall(const CudaApi& cuda, std::string what) : cuda_(cuda), what_(std::move(what)) {
  cuda_.EventCreateWithFlags(&begun_, 0);
  cuda_.EventCreateWithFlags(&done_, 0);
}

NcclCall::~NcclCall() {
  for (const CudaEvent event : {begun_, done_})
    if (event) cuda_.EventDestroy(event);
}

NcclLine::NcclLine(NcclSetup setup, std::shared_ptr<TrafficMeter> meter, const Open& open)
    : setup_(std::move(setup)), meter_(std::move(meter)) {
  thread_ = std::thread([this] { watch(); });
  try {
    Lock lock(mutex_);
    cuda_check(lock, cuda().SetDevice(setup_.use.device), "cudaSetDevice");
    cuda_check(lock, cuda().StreamCreateWithPriority(&stream_, kCudaStreamNonBlocking, INT_MIN),
               "cudaStreamCreate");
    settle(lock, "opening NCCL", open(&comm_));
  } catch (...) {
    close();
    throw;
  }
}

NcclLine::~NcclLine() { close(); }

void NcclLine::close() {
  {
    const Lock lock(mutex_);
    closing_ = true;
    if (std::uncaught_exceptions() > exceptions_)
      end({Exit::peer, "MP006", "a collective was left", setup_.place,
           "the communicator was closed by an error"});
  }
  changed_.notify_all();
  thread_.join();
  if (stream_) cuda().StreamDestroy(stream_);
}

Error NcclLine::silent(const std::string& what) const {
  return {Exit::peer,
          "MP005",
          "a peer did not answer",
          setup_.place,
          what + ", waited " + seconds(setup_.deadline) + " on the device",
          "another rank hung or is much slower; dist.timeout_s sets the limit"};
}

Error NcclLine::failed(const std::string& what, const std::string& why) const {
  return {Exit::peer, "MP013", "NCCL failed", setup_.place, what + ": " + why, "NCCL_DEBUG=WARN says more"};
}

// The first one counts. The thread then aborts; nobody calls NCCL any more.
void NcclLine::end(const Error& error) {
  if (!failure_) failure_ = std::make_exception_ptr(error);
  changed_.notify_all();
}

void NcclLine::give_up(Lock& lock, const Error& error) {
  end(error);
  changed_.wait(lock, [&] { return aborted_; });
  std::rethrow_exception(failure_);
}

void NcclLine::cuda_check(Lock& lock, int code, const char* call) {
  if (code != kCudaSuccess) give_up(lock, failed(call, cuda().GetErrorString(code)));
}

// Non-blocking calls go on in NCCL's own threads: connections are made on first use.
void NcclLine::settle(Lock& lock, const std::string& what, int code) {
  const auto began = Clock::now();
  Backoff backoff;
  while (code == kNcclSuccess || code == kNcclInProgress) {
    const auto poll = Clock::now();
    code = state();
    if (code == kNcclSuccess) return;
    if (poll - began > setup_.deadline) give_up(lock, silent(what));
    backoff.pause(poll);
  }
  const char* detail = comm_ ? nccl().GetLastError(comm_) : nullptr;
  const std::string more = detail && *detail ? std::string(": ") + detail : std::string();
  give_up(lock, failed(what, nccl().GetErrorString(code) + more));
}

// What became of the calls so far.
int NcclLine::state() const {
  int state = kNcclSuccess;
  const int code = nccl().CommGetAsyncError(comm_, &state);
  return code == kNcclSuccess ? state : code;
}

std::unique_ptr<NcclLine> NcclLine::split(int color, int key, std::shared_ptr<TrafficMeter> meter) {
  {
    Lock lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    NcclConfig config;
    settle(lock, "splitting NCCL", nccl().CommSplit(comm_, color, key, &part_, &config));
  }
  return std::make_unique<NcclLine>(setup_, std::move(meter), [&](NcclComm* comm) {
    *comm = std::exchange(part_, nullptr);
    return kNcclSuccess;
  });
}

NcclCallPtr NcclLine::launch(const std::string& what, const Enqueue& enqueue) {
  Lock lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  const CudaStream compute = setup_.use.compute_stream();
  const auto call = std::make_shared<NcclCall>(cuda(), what);
  int capturing = 0;
  cuda_check(lock, cuda().StreamIsCapturing(compute, &capturing), "cudaStreamIsCapturing");
  call->captured_ = capturing != 0;
  cuda_check(lock, cuda().EventRecord(call->begun_, compute), "cudaEventRecord");
  cuda_check(lock, cuda().StreamWaitEvent(stream_, call->begun_, 0), "cudaStreamWaitEvent");
  cuda_check(lock, cuda().EventRecord(call->begun_, stream_), "cudaEventRecord");
  settle(lock, what, enqueue(comm_, stream_));
  cuda_check(lock, cuda().EventRecord(call->done_, stream_), "cudaEventRecord");
  if (!call->captured_) pending_.push_back(call);
  changed_.notify_all();
  return call;
}

void NcclLine::join(const NcclCall& call) {
  Lock lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  cuda_check(lock, cuda().StreamWaitEvent(setup_.use.compute_stream(), call.done_, 0), "cudaStreamWaitEvent");
}

void NcclLine::wait_for(const NcclCall& call) {
  HONE_CHECK(!call.captured_);
  Lock lock(mutex_);
  changed_.wait(lock, [&] { return call.ended_; });
  if (failure_) std::rethrow_exception(failure_);
}

void NcclLine::leave(const NcclCall& call) {
  if (call.captured_) return;
  Lock lock(mutex_);
  if (!call.ended_) end({Exit::peer, "MP006", "a collective was left", setup_.place, call.what_});
  changed_.wait(lock, [&] { return call.ended_; });
}

void NcclLine::check() {
  const Lock lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

// True where something was done.
bool NcclLine::retire_done() {
  const std::size_t before = pending_.size();
  while (!pending_.empty()) {
    NcclCall& call = *pending_.front();
    const int code = cuda().EventQuery(call.done_);
    if (code == kCudaNotReady) break;
    if (code != kCudaSuccess) {
      end(failed(call.what_, cuda().GetErrorString(code)));
      break;
    }
    float ms = 0;
    if (cuda().EventElapsedTime(&ms, call.begun_, call.done_) == kCudaSuccess) meter_->under_way(ms / 1000.0);
    call.ended_ = true;
    pending_.pop_front();
  }
  return pending_.size() != before;
}

void NcclLine::look_for_trouble() {
  if (pending_.empty()) return;
  const NcclCall& oldest = *pending_.front();
  if (const int code = state(); code != kNcclSuccess && code != kNcclInProgress)
    return end(failed(oldest.what_, nccl().GetErrorString(code)));
  if (Clock::now() - std::max(oldest.asked_, progress_) > setup_.deadline) end(silent(oldest.what_));
}

void NcclLine::watch() {
  prctl(PR_SET_NAME, "hone-nccl");
  cuda().SetDevice(setup_.use.device);
  int mode = kCudaCaptureRelaxed;  // this thread's questions about events must not end another's capture
  cuda().ThreadExchangeStreamCaptureMode(&mode);
  Lock lock(mutex_);
  Backoff backoff;
  while (true) {
    changed_.wait(lock, [&] { return closing_ || failure_ || !pending_.empty(); });
    if (failure_) return abort_all(lock);
    if (pending_.empty()) return finalize(lock);
    const auto poll = Clock::now();
    if (retire_done()) {
      progress_ = Clock::now();
      backoff = {};
      changed_.notify_all();
      continue;
    }
    look_for_trouble();
    if (failure_) continue;
    lock.unlock();
    backoff.pause(poll);
    lock.lock();
  }
}

// Peers do the same; one that does not come is no reason to stay.
void NcclLine::finalize(Lock& lock) {
  const auto end = Clock::now() + std::min<Clock::duration>(setup_.deadline, kPatienceAtTheEnd);
  Backoff backoff;
  int code = nccl().CommFinalize(comm_);
  while ((code == kNcclSuccess || code == kNcclInProgress) && Clock::now() < end) {
    const auto poll = Clock::now();
    code = state();
    if (code == kNcclSuccess) {
      nccl().CommDestroy(comm_);
      return;
    }
    backoff.pause(poll);
  }
  abort_all(lock);
}

// On a thread of its own: it may hang with the network, and the process is to end all the same.
void NcclLine::abort_all(Lock& lock) {
  lock.unlock();
  if (comm_) {
    const auto ended = std::make_shared<std::promise<void>>();
    auto done = ended->get_future();
    std::thread([ended, abort = nccl().CommAbort, comm = comm_] {
      abort(comm);
      ended->set_value();
    }).detach();
    done.wait_for(kPatienceAtTheEnd);
  }
  lock.lock();
  for (const NcclCallPtr& call : pending_) call->ended_ = true;
  pending_.clear();
  aborted_ = true;
  changed_.notify_all();
}

}  // namespace hone::dist
