#include "dist/collective.h"

#include <string>

#include "core/base/error.h"
#include "dist/reduce.h"

namespace hone::dist {
namespace {

[[noreturn]] void refuse(const Collective& collective, const std::string& why) {
  throw Error(Exit::internal, "MP008", "wrong call of a collective", describe(collective), why,
              "this is a bug in hone");
}

void check_buffer(const Collective& collective, const CommBuffer& buffer) {
  if (buffer.count < 0) refuse(collective, "a count of " + std::to_string(buffer.count));
  if (buffer.count > 0 && buffer.data == nullptr) refuse(collective, "no buffer");
}

// One buffer must hold a part of the other's size for every rank.
void check_parts(const Collective& collective, const CommBuffer& whole, const CommBuffer& part,
                 int world_size) {
  if (whole.type != part.type)
    refuse(collective, std::string("input and output differ in type: ") + name_of(collective.input.type) +
                           " and " + name_of(collective.output.type));
  if (whole.count % world_size != 0 || whole.count / world_size != part.count)
    refuse(collective, std::to_string(whole.count) + " elements are not " + std::to_string(world_size) +
                           " parts of " + std::to_string(part.count));
}

bool overlap(const CommBuffer& a, const CommBuffer& b) {
  const auto* a_begin = static_cast<const std::byte*>(a.data);
  const auto* b_begin = static_cast<const std::byte*>(b.data);
  return a_begin < b_begin + bytes_of(b) && b_begin < a_begin + bytes_of(a);
}

void check_gather(const Collective& collective, int rank, int world_size) {
  const auto* own = static_cast<const std::byte*>(collective.output.data) + bytes_of(collective.input) * rank;
  check_parts(collective, collective.output, collective.input, world_size);
  if (overlap(collective.input, collective.output) && collective.input.data != own)
    refuse(collective, "the input lies in the output, but not at this rank's own part");
}

void check_scatter(const Collective& collective, int world_size) {
  check_parts(collective, collective.input, collective.output, world_size);
  if (overlap(collective.input, collective.output)) refuse(collective, "input and output overlap");
}

void check_exchange(const Collective& collective, int world_size) {
  if (collective.input.type != collective.output.type || collective.input.count != collective.output.count)
    refuse(collective, "input and output differ");
  if (collective.input.count % world_size != 0)
    refuse(collective, std::to_string(collective.input.count) + " elements do not divide by " +
                           std::to_string(world_size) + " ranks");
  if (overlap(collective.input, collective.output)) refuse(collective, "input and output overlap");
}

}  // namespace

const char* name_of(CommType type) {
  switch (type) {
    case CommType::f32:
      return "f32";
    case CommType::f64:
      return "f64";
    case CommType::bf16:
      return "bf16";
    case CommType::f16:
      return "f16";
    case CommType::i32:
      return "i32";
    case CommType::i64:
      return "i64";
    case CommType::u8:
      return "u8";
  }
  return "?";
}

const char* name_of(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return "sum";
    case ReduceOp::min:
      return "min";
    case ReduceOp::max:
      return "max";
  }
  return "?";
}

std::string describe(const Collective& collective) {
  const CollectiveKind kind = collective.kind;
  std::string text = name_of(kind);
  if (kind == CollectiveKind::barrier) return text;
  text += " of " + std::to_string(collective.input.count) + " " + name_of(collective.input.type);
  if (kind == CollectiveKind::all_reduce || kind == CollectiveKind::reduce_scatter)
    text += std::string(" (") + name_of(collective.op) + ")";
  if (kind == CollectiveKind::broadcast) text += " from rank " + std::to_string(collective.root);
  return text;
}

void check_call(const Collective& collective, int rank, int world_size) {
  check_buffer(collective, collective.input);
  check_buffer(collective, collective.output);
  if (collective.input.on_device != collective.output.on_device)
    refuse(collective, "one buffer lies on the device, the other does not");
  switch (collective.kind) {
    case CollectiveKind::reduce_scatter:
      check_scatter(collective, world_size);
      break;
    case CollectiveKind::all_gather:
      check_gather(collective, rank, world_size);
      break;
    case CollectiveKind::all_to_all:
      check_exchange(collective, world_size);
      break;
    case CollectiveKind::broadcast:
      if (collective.root < 0 || collective.root >= world_size)
        refuse(collective, "there are " + std::to_string(world_size) + " ranks");
      break;
    case CollectiveKind::all_reduce:
    case CollectiveKind::barrier:
      break;
  }
}

namespace {

// Tells the meter how long its caller was blocked.
class TimedWork final : public Work {
 public:
  TimedWork(WorkPtr work, std::shared_ptr<TrafficMeter> meter)
      : work_(std::move(work)), meter_(std::move(meter)) {}
  void wait() override {
    const Blocked blocked(*meter_);
    work_->wait();
  }
  void wait_on_host() override {
    const Blocked blocked(*meter_);
    work_->wait_on_host();
  }

 private:
  class Blocked {
   public:
    explicit Blocked(TrafficMeter& meter) : meter_(meter) {}
    ~Blocked() { meter_.waited(TrafficMeter::Clock::now() - began_); }

   private:
    TrafficMeter& meter_;
    const TrafficMeter::Clock::time_point began_ = TrafficMeter::Clock::now();
  };

  WorkPtr work_;
  std::shared_ptr<TrafficMeter> meter_;
};

std::int64_t payload(const Collective& collective) {
  const bool by_output = collective.kind == CollectiveKind::all_gather;
  return static_cast<std::int64_t>(bytes_of(by_output ? collective.output : collective.input));
}

}  // namespace

WorkPtr CheckedCommunicator::checked(const Collective& collective) {
  check_call(collective, rank(), world_size());
  if (collective.input.on_device && !takes_device_memory())
    refuse(collective, "device memory, which this communicator does not reach");
  WorkPtr work = start(collective);
  meter_->called(collective.kind, payload(collective));
  return std::make_unique<TimedWork>(std::move(work), meter_);
}

WorkPtr CheckedCommunicator::all_reduce(CommBuffer in_place, ReduceOp op) {
  return checked({CollectiveKind::all_reduce, in_place, in_place, op, 0});
}

WorkPtr CheckedCommunicator::reduce_scatter(CommBuffer input, CommBuffer output, ReduceOp op) {
  return checked({CollectiveKind::reduce_scatter, input, output, op, 0});
}

WorkPtr CheckedCommunicator::all_gather(CommBuffer input, CommBuffer output) {
  return checked({CollectiveKind::all_gather, input, output, ReduceOp::sum, 0});
}

WorkPtr CheckedCommunicator::broadcast(CommBuffer buffer, int root) {
  return checked({CollectiveKind::broadcast, buffer, buffer, ReduceOp::sum, root});
}

WorkPtr CheckedCommunicator::all_to_all(CommBuffer input, CommBuffer output) {
  return checked({CollectiveKind::all_to_all, input, output, ReduceOp::sum, 0});
}

WorkPtr CheckedCommunicator::barrier() { return checked({}); }

}  // namespace hone::dist
