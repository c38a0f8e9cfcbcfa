#pragma once
// What every backend of the Communicator port shares: the description of one collective and the checks on it.
// A wrong call (negative count, parts that do not fit, no such root) is Error(Exit::internal, "MP008") on the
// caller, before any other rank is involved.
#include <cstdint>
#include <memory>
#include <string>

#include "core/ports/communicator.h"
#include "dist/traffic_meter.h"

namespace hone::dist {

struct Collective {
  CollectiveKind kind = CollectiveKind::barrier;
  CommBuffer input;  // all_reduce and broadcast: the buffer itself, as output
  CommBuffer output;
  ReduceOp op = ReduceOp::sum;
  int root = 0;
};

const char* name_of(CommType type);
const char* name_of(ReduceOp op);
// "all_reduce of 1000 f32 (sum)"
std::string describe(const Collective& collective);

// Throws unless the call is one that `rank` of `world_size` may make.
void check_call(const Collective& collective, int rank, int world_size);

// Backends implement start() and tell the meter how long collectives were under way; the verbs of the port
// build, check, count and hand over one Collective.
class CheckedCommunicator : public Communicator {
 public:
  WorkPtr all_reduce(CommBuffer in_place, ReduceOp op) final;
  WorkPtr reduce_scatter(CommBuffer input, CommBuffer output, ReduceOp op) final;
  WorkPtr all_gather(CommBuffer input, CommBuffer output) final;
  WorkPtr broadcast(CommBuffer buffer, int root) final;
  WorkPtr all_to_all(CommBuffer input, CommBuffer output) final;
  WorkPtr barrier() final;
  Traffic traffic() const override { return meter_->traffic(); }

 protected:
  virtual WorkPtr start(const Collective& collective) = 0;
  virtual bool takes_device_memory() const { return false; }
  const std::shared_ptr<TrafficMeter>& meter() const { return meter_; }

 private:
  WorkPtr checked(const Collective& collective);

  std::shared_ptr<TrafficMeter> meter_ = std::make_shared<TrafficMeter>();
};

}  // namespace hone::dist
