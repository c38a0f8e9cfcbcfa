#include "checkpoint/async_saver.h"

#include <hdf5.h>

#include <chrono>

#include "checkpoint/shard_values.h"
#include "core/base/error.h"

namespace hone::checkpoint {
namespace {

std::vector<float> copy_shards(const FlatTensor& tensor, const ShardValues& values) {
  std::vector<float> copy;
  for (const Range& shard : values.shards()) {
    const std::span<const float> part = values.of(tensor, shard);
    copy.insert(copy.end(), part.begin(), part.end());
  }
  return copy;
}

}  // namespace

// The state as it was at save(), and the thread that writes it.
struct AsyncSaver::Pending {
  CheckpointState state;
  std::vector<std::vector<float>> copies;
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
  wait();
  store_.begin(state);
  const Communicator& ranks = store_.communicator();
  const ShardValues values(*state.layout,
                           shards_of(*state.layout, ranks.rank(), ranks.world_size(), state.granule));
  auto pending = std::make_unique<Pending>();
  pending->state = state;
  for (FlatTensor& tensor : pending->state.tensors) {
    pending->copies.push_back(copy_shards(tensor, values));
    tensor.values = pending->copies.back();
    tensor.holding = FlatTensor::Holding::shards;
  }
  pending->written =
      std::async(std::launch::async, [this, &snapshot = pending->state] { return store_.write(snapshot); });
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
}

void AsyncSaver::finish() {
  const std::unique_ptr<Pending> pending = std::move(pending_);
  store_.finish(pending->state, [&] { return pending->written.get(); });
}

}  // namespace hone::checkpoint
