#include "dist/nccl_library.h"

#include <dlfcn.h>

#include "core/base/error.h"

namespace hone::dist {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(Exit::usage, "MP012", "NCCL is not available", "dist.backend", why,
              "NCCL comes with torch 2.11.0 with CUDA 13 (scripts/setup.sh); or use dist.backend mpi");
}

class Library {
 public:
  // Stays loaded: NCCL has threads of its own.
  explicit Library(const std::string& name)
      : name_(name), handle_(dlopen(name.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
    if (!handle_) refuse(dlerror());
  }
  template <class Function>
  void find(Function*& function, const std::string& symbol) const {
    function = reinterpret_cast<Function*>(dlsym(handle_, symbol.c_str()));
    if (!function) refuse(name_ + " has no " + symbol);
  }

 private:
  std::string name_;
  void* handle_;
};

NcclApi find_nccl(const Library& library) {
  NcclApi api{};
#define HONE_FIND(name) library.find(api.name, "nccl" #name)
  HONE_FIND(GetVersion);
  HONE_FIND(GetUniqueId);
  HONE_FIND(CommInitRankConfig);
  HONE_FIND(CommSplit);
  HONE_FIND(CommGetAsyncError);
  HONE_FIND(CommFinalize);
  HONE_FIND(CommDestroy);
  HONE_FIND(CommAbort);
  HONE_FIND(AllReduce);
  HONE_FIND(ReduceScatter);
  HONE_FIND(AllGather);
  HONE_FIND(Broadcast);
  HONE_FIND(AlltoAll);
  HONE_FIND(GetErrorString);
  HONE_FIND(GetLastError);
#undef HONE_FIND
  return api;
}

CudaApi find_cuda(const Library& library) {
  CudaApi api{};
#define HONE_FIND(name) library.find(api.name, "cuda" #name)
  HONE_FIND(GetDeviceCount);
  HONE_FIND(SetDevice);
  HONE_FIND(DeviceGetPCIBusId);
  HONE_FIND(StreamCreateWithPriority);
  HONE_FIND(StreamDestroy);
  HONE_FIND(StreamWaitEvent);
  HONE_FIND(StreamIsCapturing);
  HONE_FIND(ThreadExchangeStreamCaptureMode);
  HONE_FIND(EventCreateWithFlags);
  HONE_FIND(EventDestroy);
  HONE_FIND(EventRecord);
  HONE_FIND(EventQuery);
  HONE_FIND(EventElapsedTime);
  HONE_FIND(GetErrorString);
#undef HONE_FIND
  return api;
}

}  // namespace

NcclLibraries load_nccl_from(const std::string& nccl, const std::string& cuda) {
  const NcclLibraries libraries{find_nccl(Library(nccl)), find_cuda(Library(cuda))};
  int version = 0;
  if (libraries.nccl.GetVersion(&version) != kNcclSuccess || version < kNcclVersion)
    refuse(nccl + " has version " + std::to_string(version) + ", " + std::to_string(kNcclVersion) +
           " is needed");
  return libraries;
}

const NcclLibraries& load_nccl() {
  static const NcclLibraries libraries = load_nccl_from("libnccl.so.2", "libcudart.so.13");
  return libraries;
}

}  // namespace hone::dist
