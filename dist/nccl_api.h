#pragma once
// The part of NCCL (2.28) and of the CUDA runtime that device collectives use, declared here and reached
// through tables of functions: libraries found at run time (nccl_library.h), so that a machine without CUDA
// builds and starts, or fakes in tests. tests/dist/nccl_abi_test.cpp holds this against NVIDIA's headers
// where they are.
#include <climits>
#include <cstddef>

namespace hone::dist {

using NcclComm = void*;  // ncclComm_t
struct NcclUniqueId {
  char internal[128];
};

constexpr int kNcclSuccess = 0, kNcclInProgress = 7;           // ncclResult_t
constexpr int kNcclSum = 0, kNcclMax = 2, kNcclMin = 3;        // ncclRedOp_t
constexpr int kNcclUint8 = 1, kNcclInt32 = 2, kNcclInt64 = 4;  // ncclDataType_t
constexpr int kNcclFloat16 = 6, kNcclFloat32 = 7, kNcclFloat64 = 8, kNcclBfloat16 = 9;
constexpr int kNcclVersion = 22800;  // of the configuration below; a library may be newer, not older

struct NcclConfig {
  std::size_t size = sizeof(NcclConfig);
  unsigned int magic = 0xcafebeef;
  unsigned int version = kNcclVersion;
  int blocking = 0;  // calls return at once, so that a communicator can be given up
  int cga_cluster_size = INT_MIN, min_ctas = INT_MIN, max_ctas = INT_MIN;
  const char* net_name = nullptr;
  int split_share = INT_MIN, traffic_class = INT_MIN;
  const char* comm_name = nullptr;
  int collnet_enable = INT_MIN, cta_policy = INT_MIN, shrink_share = INT_MIN, nvls_ctas = INT_MIN;
  int channels_per_net_peer = INT_MIN, nvlink_centric_sched = INT_MIN;
};

using CudaStream = void*;                             // cudaStream_t
using CudaEvent = void*;                              // cudaEvent_t
constexpr int kCudaSuccess = 0, kCudaNotReady = 600;  // cudaError_t
constexpr unsigned int kCudaStreamNonBlocking = 1;
constexpr int kCudaCaptureRelaxed = 2;  // cudaStreamCaptureMode

// Members are named as the functions are, less nccl.
struct NcclApi {
  int (*GetVersion)(int*);
  int (*GetUniqueId)(NcclUniqueId*);
  int (*CommInitRankConfig)(NcclComm*, int ranks, NcclUniqueId, int rank, NcclConfig*);
  int (*CommSplit)(NcclComm, int color, int key, NcclComm*, NcclConfig*);
  int (*CommGetAsyncError)(NcclComm, int*);
  int (*CommFinalize)(NcclComm);
  int (*CommDestroy)(NcclComm);
  int (*CommAbort)(NcclComm);
  int (*AllReduce)(const void*, void*, std::size_t count, int type, int op, NcclComm, CudaStream);
  int (*ReduceScatter)(const void*, void*, std::size_t out_count, int type, int op, NcclComm, CudaStream);
  int (*AllGather)(const void*, void*, std::size_t in_count, int type, NcclComm, CudaStream);
  int (*Broadcast)(const void*, void*, std::size_t count, int type, int root, NcclComm, CudaStream);
  int (*AlltoAll)(const void*, void*, std::size_t part_count, int type, NcclComm, CudaStream);
  const char* (*GetErrorString)(int);
  const char* (*GetLastError)(NcclComm);
};

// Likewise, less cuda.
struct CudaApi {
  int (*GetDeviceCount)(int*);
  int (*SetDevice)(int);
  int (*DeviceGetPCIBusId)(char*, int length, int device);
  int (*StreamCreateWithPriority)(CudaStream*, unsigned int flags, int priority);
  int (*StreamDestroy)(CudaStream);
  int (*StreamWaitEvent)(CudaStream, CudaEvent, unsigned int flags);
  int (*StreamIsCapturing)(CudaStream, int*);
  int (*ThreadExchangeStreamCaptureMode)(int*);
  int (*EventCreateWithFlags)(CudaEvent*, unsigned int flags);
  int (*EventDestroy)(CudaEvent);
  int (*EventRecord)(CudaEvent, CudaStream);
  int (*EventQuery)(CudaEvent);
  int (*EventElapsedTime)(float* ms, CudaEvent, CudaEvent);
  const char* (*GetErrorString)(int);
};

struct NcclLibraries {
  NcclApi nccl{};
  CudaApi cuda{};
};

}  // namespace hone::dist
