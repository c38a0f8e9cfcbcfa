#include "dist/nccl_communicator.h"

namespace hone::dist {
namespace {

int nccl_type(CommType type) {
  switch (type) {
    case CommType::f32:
      return kNcclFloat32;
    case CommType::f64:
      return kNcclFloat64;
    case CommType::bf16:
      return kNcclBfloat16;
    case CommType::f16:
      return kNcclFloat16;
    case CommType::i32:
      return kNcclInt32;
    case CommType::i64:
      return kNcclInt64;
    case CommType::u8:
      return kNcclUint8;
  }
  return -1;
}

int nccl_op(ReduceOp op) {
  return op == ReduceOp::sum ? kNcclSum : op == ReduceOp::min ? kNcclMin : kNcclMax;
}

WorkPtr on_host(Communicator& host, const Collective& c) {
  switch (c.kind) {
    case CollectiveKind::all_reduce:
      return host.all_reduce(c.input, c.op);
    case CollectiveKind::reduce_scatter:
      return host.reduce_scatter(c.input, c.output, c.op);
    case CollectiveKind::all_gather:
      return host.all_gather(c.input, c.output);
    case CollectiveKind::broadcast:
      return host.broadcast(c.input, c.root);
    case CollectiveKind::all_to_all:
      return host.all_to_all(c.input, c.output);
    case CollectiveKind::barrier:
      break;
  }
  return host.barrier();
}

// Rank 0 makes the id by which the ranks find each other; where it cannot, all are told.
NcclUniqueId agree_on_id(const NcclApi& nccl, Communicator& host) {
  NcclUniqueId id{};
  std::int32_t code = host.rank() == 0 ? nccl.GetUniqueId(&id) : kNcclSuccess;
  host.broadcast({&code, 1, CommType::i32}, 0)->wait();
  if (code != kNcclSuccess)
    throw Error(Exit::peer, "MP013", "NCCL failed", "ncclGetUniqueId on rank 0", nccl.GetErrorString(code));
  host.broadcast({id.internal, sizeof id.internal, CommType::u8}, 0)->wait();
  return id;
}

class NcclWork final : public Work {
 public:
  NcclWork(NcclLine& line, NcclCallPtr call) : line_(line), call_(std::move(call)) {}
  ~NcclWork() override {
    if (!joined_) line_.leave(*call_);
  }
  void wait() override {
    if (joined_) return;
    line_.join(*call_);
    joined_ = true;
  }
  void wait_on_host() override {
    line_.wait_for(*call_);
    wait();
  }

 private:
  NcclLine& line_;
  NcclCallPtr call_;
  bool joined_ = false;
};

}  // namespace

NcclCommunicator::NcclCommunicator(const NcclSetup& setup, CommunicatorPtr host)
    : setup_(setup), host_(std::move(host)) {
  const NcclApi& nccl = setup.libraries->nccl;
  const NcclUniqueId id = agree_on_id(nccl, *host_);
  NcclConfig config;
  line_ = std::make_unique<NcclLine>(setup, meter(), [&](NcclComm* comm) {
    return nccl.CommInitRankConfig(comm, world_size(), id, rank(), &config);
  });
}

NcclCommunicator::NcclCommunicator(const NcclSetup& setup, CommunicatorPtr host, NcclLine& parent, int group)
    : setup_(setup), host_(std::move(host)), line_(parent.split(group, host_->rank(), meter())) {}

CommunicatorPtr NcclCommunicator::split(int group) {
  CommunicatorPtr host = host_->split(group);
  return CommunicatorPtr(new NcclCommunicator(setup_, std::move(host), *line_, group));
}

Traffic NcclCommunicator::traffic() const {
  Traffic traffic = CheckedCommunicator::traffic();
  traffic.busy_s += host_->traffic().busy_s;
  return traffic;
}

WorkPtr NcclCommunicator::start(const Collective& collective) {
  if (!collective.input.on_device) {
    line_->check();
    return on_host(*host_, collective);
  }
  const std::string what = "device " + describe(collective) + ", number " + std::to_string(next_number_++);
  return std::make_unique<NcclWork>(*line_, line_->launch(what, [&](NcclComm comm, CudaStream stream) {
    return enqueue(collective, comm, stream);
  }));
}

int NcclCommunicator::enqueue(const Collective& c, NcclComm comm, CudaStream stream) const {
  const NcclApi& nccl = setup_.libraries->nccl;
  const int type = nccl_type(c.input.type), op = nccl_op(c.op);
  const auto in_count = static_cast<std::size_t>(c.input.count);
  const auto out_count = static_cast<std::size_t>(c.output.count);
  const auto ranks = static_cast<std::size_t>(world_size());
  switch (c.kind) {
    case CollectiveKind::all_reduce:
      return nccl.AllReduce(c.input.data, c.output.data, in_count, type, op, comm, stream);
    case CollectiveKind::reduce_scatter:
      return nccl.ReduceScatter(c.input.data, c.output.data, out_count, type, op, comm, stream);
    case CollectiveKind::all_gather:
      return nccl.AllGather(c.input.data, c.output.data, in_count, type, comm, stream);
    case CollectiveKind::broadcast:
      return nccl.Broadcast(c.input.data, c.output.data, in_count, type, c.root, comm, stream);
    case CollectiveKind::all_to_all:
      return nccl.AlltoAll(c.input.data, c.output.data, in_count / ranks, type, comm, stream);
    case CollectiveKind::barrier:
      break;
  }
  return kNcclSuccess;  // a barrier has no buffer and goes over the host
}

}  // namespace hone::dist
