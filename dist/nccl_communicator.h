#pragma once
// Collectives of device memory between processes through NCCL, beside those of host memory through another
// communicator of the same ranks, so that one Communicator serves gradients on GPUs and the small agreements
// of the host. A collective of device memory waits for what the caller's CUDA stream does so far and is
// waited for by that stream alone (Work::wait): nothing blocks the host, and a stream that is captured into a
// graph captures it too. A graph's replays have no deadline. Sums are in NCCL's order, the same bits on every
// rank; which of a number and a NaN is the smaller is NCCL's choice.
#include "dist/collective.h"
#include "dist/nccl_line.h"

namespace hone::dist {

class NcclCommunicator final : public CheckedCommunicator {
 public:
  // All ranks of `host`, one GPU each. Errors: see NcclLine; once a device collective failed, every call
  // throws that.
  NcclCommunicator(const NcclSetup& setup, CommunicatorPtr host);

  int rank() const override { return host_->rank(); }
  int world_size() const override { return host_->world_size(); }
  CommunicatorPtr split(int group) override;
  Traffic traffic() const override;

 protected:
  WorkPtr start(const Collective& collective) override;
  bool takes_device_memory() const override { return true; }

 private:
  NcclCommunicator(const NcclSetup& setup, CommunicatorPtr host, NcclLine& parent, int group);
  int enqueue(const Collective& collective, NcclComm comm, CudaStream stream) const;

  const NcclSetup setup_;
  CommunicatorPtr host_;
  std::int64_t next_number_ = 0;
  std::unique_ptr<NcclLine> line_;
};

}  // namespace hone::dist
