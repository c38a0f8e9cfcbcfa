#pragma once
// NCCL and the CUDA runtime for ranks that are threads and devices that are host memory, as far as
// dist/nccl_api.h goes: streams and events keep their order, calls return before they are done, ranks meet,
// and what the real ones forbid is written down as misuse.
#include <string>
#include <vector>

#include "dist/nccl_api.h"

namespace hone::test {

// One at a time. Ranks use their number as device.
class FakeNccl {
 public:
  FakeNccl();
  ~FakeNccl();  // a failure of the test where there was misuse
  FakeNccl(const FakeNccl&) = delete;
  FakeNccl& operator=(const FakeNccl&) = delete;

  static const dist::NcclLibraries& libraries();
  dist::CudaStream stream();

  // A kernel on the stream that ends when it is released.
  void hold(dist::CudaStream stream);
  void release(dist::CudaStream stream);
  bool idle(dist::CudaStream stream);  // all that is on it is done
  void capture(dist::CudaStream stream, bool on);
  // From now on: what ncclCommGetAsyncError says on this rank; what the next call of this name returns.
  void break_link(int rank);
  void fail_next(const std::string& call, int code);
  int aborted() const;    // communicators
  int destroyed() const;  // in good order
  int open_events() const;
};

}  // namespace hone::test
