#include "checkpoint/async_saver.h"

#include <hdf5.h>

#include <algorithm>
#include <chrono>

#include "checkpoint/shard_values.h"
#include "core/base/error.h"

namespace hone::checkpoint {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Into `copy`, whose memory is used again: pages that are there already are filled several times as fast as fresh ones.
std::vector<std::byte> copy_stored(const HeldTensor& tensor, const std::vector<Range>& stored,
                                   std::vector<std::byte> copy) {
  std::int64_t values = 0;
  for (const Range& range : stored) values += range.length();
  copy.clear();
  copy.reserve(
      static_cast<std::size_t>(values * size_of(tensor.spec.type)));  // not a byte above the snapshot
  for (const Range& range : stored) {
    const std::span<const std::byte> part = bytes_of(tensor, stored, range);
    copy.insert(copy.end(), part.begin(), part.end());
  }
  return copy;
}

}  // namespace

// The state as it was at save(), and the thread that writes it.
struct AsyncSaver::Pending {
  CheckpointState state;
  std::vector<std::vector<std::byte>> copies;
  Clock::time_point begin = Clock::now();
  double seconds = 0;                // that writing took; set by the thread before `written` is ready
  std::future<std::string> written;  // last: its destructor joins the thread before the copies go
};

AsyncSaver::AsyncSaver(CheckpointStore& store) : store_(store) {
  hbool_t thread_safe = false;
  if (H5is_library_threadsafe(&thread_safe) < 0 || !thread_safe)
    throw Error(Exit::internal, "CK015", "checkpoints cannot be written beside the training", "HDF5",
                "this HDF5 library was built without thread safety", "install the serial, thread-safe one");
}

AsyncSaver::~AsyncSaver() = default;

void AsyncSaver::save(const CheckpointState& state) {
  if (pending_) finish();
  store_.begin(state);
  const ShardOwner owner = store_.owner(state);
  auto pending = std::make_unique<Pending>();
  pending->state = state;
  for (HeldTensor& tensor : pending->state.tensors) {
    if (store_.stores_nothing(state)) continue;
    std::vector<std::byte> memory;
    if (pending->copies.size() < spare_.size()) memory.swap(spare_[pending->copies.size()]);
    pending->copies.push_back(
        copy_stored(tensor, value_ranges(tensor.spec, *state.layout, owner), std::move(memory)));
    tensor.bytes = pending->copies.back();
    tensor.only_stored = true;
  }
  pending->written = std::async(std::launch::async, [this, &saving = *pending] {
    std::string entries = store_.write(saving.state);
    saving.seconds = seconds_since(saving.begin);
    return entries;
  });
  pending_ = std::move(pending);
}

bool AsyncSaver::poll() {
  if (!pending_) return true;
  std::int64_t ready = pending_->written.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  store_.communicator().all_reduce({&ready, 1, CommType::i64}, ReduceOp::min)->wait();
  if (ready) finish();
  return !pending_;
}

void AsyncSaver::wait() {
  if (pending_) finish();
  spare_.clear();
}

double AsyncSaver::expected_seconds() const {
  if (!pending_) return longest_;
  return 2 * std::max(longest_, seconds_since(pending_->begin));
}

void AsyncSaver::finish() {
  const std::unique_ptr<Pending> pending = std::move(pending_);
  store_.finish(pending->state, [&] { return pending->written.get(); });
  longest_ = std::max(longest_, pending->seconds);
  spare_ = std::move(pending->copies);
}

}  // namespace hone::checkpoint
