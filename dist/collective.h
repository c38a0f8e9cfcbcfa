#pragma once
// What every backend of the Communicator port shares: the description of one collective and the checks on it.
// A wrong call (negative count, parts that do not fit, no such root) is Error(Exit::internal, "MP008") on the
// caller, before any other rank is involved.
#include <cstdint>
#include <string>

#include "core/ports/communicator.h"

namespace hone::dist {

enum class CollectiveKind { all_reduce, reduce_scatter, all_gather, broadcast, all_to_all, barrier };

struct Collective {
  CollectiveKind kind = CollectiveKind::barrier;
  CommBuffer input;  // all_reduce and broadcast: the buffer itself, as output
  CommBuffer output;
  ReduceOp op = ReduceOp::sum;
  int root = 0;
};

const char* name_of(CollectiveKind kind);
const char* name_of(CommType type);
const char* name_of(ReduceOp op);
// "all_reduce of 1000 f32 (sum)"
std::string describe(const Collective& collective);

// Throws unless the call is one that `rank` of `world_size` may make.
void check_call(const Collective& collective, int rank, int world_size);

// Backends implement start(); the verbs of the port build, check and hand over one Collective.
class CheckedCommunicator : public Communicator {
 public:
  WorkPtr all_reduce(CommBuffer in_place, ReduceOp op) final;
  WorkPtr reduce_scatter(CommBuffer input, CommBuffer output, ReduceOp op) final;
  WorkPtr all_gather(CommBuffer input, CommBuffer output) final;
  WorkPtr broadcast(CommBuffer buffer, int root) final;
  WorkPtr all_to_all(CommBuffer input, CommBuffer output) final;
  WorkPtr barrier() final;

 protected:
  virtual WorkPtr start(const Collective& collective) = 0;

 private:
  WorkPtr checked(const Collective& collective);
};

}  // namespace hone::dist
