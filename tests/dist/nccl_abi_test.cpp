// Our declarations against NVIDIA's headers, where the machine has them.
#include <gtest/gtest.h>

#include <cstdio>

#include "dist/nccl_api.h"

#if __has_include(<nccl.h>) && __has_include(<cuda_runtime_api.h>)
#include <cuda_runtime_api.h>
#include <nccl.h>
#define HONE_HAS_NCCL_HEADER (NCCL_VERSION_CODE >= 22800)
#else
#define HONE_HAS_NCCL_HEADER 0
#endif

namespace hone::test {
namespace {

#if HONE_HAS_NCCL_HEADER

using namespace dist;

// As many parameters, of the same sizes, and a result of the same size: enums there, int here.
template <class R, class... As, class S, class... Bs>
constexpr bool same_shape(R (*)(As...), S (*)(Bs...)) {
  if constexpr (sizeof...(As) != sizeof...(Bs))
    return false;
  else
    return sizeof(R) == sizeof(S) && ((sizeof(As) == sizeof(Bs)) && ...);
}

#define EXPECT_NCCL(name) \
  EXPECT_TRUE((same_shape(decltype(NcclApi::name){}, decltype(&::nccl##name){}))) << #name
#define EXPECT_CUDA(name) \
  EXPECT_TRUE((same_shape(decltype(CudaApi::name){}, decltype(&::cuda##name){}))) << #name

TEST(NcclAbi, FunctionsHaveTheShapeOfNvidias) {
  EXPECT_NCCL(GetVersion);
  EXPECT_NCCL(GetUniqueId);
  EXPECT_NCCL(CommInitRankConfig);
  EXPECT_NCCL(CommSplit);
  EXPECT_NCCL(CommGetAsyncError);
  EXPECT_NCCL(CommFinalize);
  EXPECT_NCCL(CommDestroy);
  EXPECT_NCCL(CommAbort);
  EXPECT_NCCL(AllReduce);
  EXPECT_NCCL(ReduceScatter);
  EXPECT_NCCL(AllGather);
  EXPECT_NCCL(Broadcast);
  EXPECT_NCCL(AlltoAll);
  EXPECT_NCCL(GetErrorString);
  EXPECT_NCCL(GetLastError);
  EXPECT_CUDA(GetDeviceCount);
  EXPECT_CUDA(SetDevice);
  EXPECT_CUDA(DeviceGetPCIBusId);
  EXPECT_CUDA(StreamCreateWithPriority);
  EXPECT_CUDA(StreamDestroy);
  EXPECT_CUDA(StreamWaitEvent);
  EXPECT_CUDA(StreamIsCapturing);
  EXPECT_CUDA(ThreadExchangeStreamCaptureMode);
  EXPECT_CUDA(EventCreateWithFlags);
  EXPECT_CUDA(EventDestroy);
  EXPECT_CUDA(EventRecord);
  EXPECT_CUDA(EventQuery);
  EXPECT_CUDA(EventElapsedTime);
  EXPECT_CUDA(GetErrorString);
}

TEST(NcclAbi, ConstantsAreNvidias) {
  EXPECT_EQ(kNcclSuccess, ncclSuccess);
  EXPECT_EQ(kNcclInProgress, ncclInProgress);
  EXPECT_EQ(kNcclSum, ncclSum);
  EXPECT_EQ(kNcclMin, ncclMin);
  EXPECT_EQ(kNcclMax, ncclMax);
  EXPECT_EQ(kNcclUint8, ncclUint8);
  EXPECT_EQ(kNcclInt32, ncclInt32);
  EXPECT_EQ(kNcclInt64, ncclInt64);
  EXPECT_EQ(kNcclFloat16, ncclFloat16);
  EXPECT_EQ(kNcclBfloat16, ncclBfloat16);
  EXPECT_EQ(kNcclFloat32, ncclFloat32);
  EXPECT_EQ(kNcclFloat64, ncclFloat64);
  EXPECT_EQ(kCudaSuccess, cudaSuccess);
  EXPECT_EQ(kCudaNotReady, cudaErrorNotReady);
  EXPECT_EQ(kCudaStreamNonBlocking, static_cast<unsigned>(cudaStreamNonBlocking));
  EXPECT_EQ(kCudaCaptureRelaxed, cudaStreamCaptureModeRelaxed);
  EXPECT_EQ(cudaStreamCaptureStatusNone, 0);
}

TEST(NcclAbi, TheConfigurationBeginsAsNvidias) {
  const ncclConfig_t theirs = NCCL_CONFIG_INITIALIZER;
  const NcclConfig ours;
  EXPECT_EQ(sizeof(NcclUniqueId), sizeof(ncclUniqueId));
  EXPECT_LE(sizeof(NcclConfig), sizeof(ncclConfig_t));
  EXPECT_EQ(ours.magic, theirs.magic);
  EXPECT_LE(ours.version, theirs.version);
#define EXPECT_FIELD(here, there)                                       \
  EXPECT_EQ(offsetof(NcclConfig, here), offsetof(ncclConfig_t, there)); \
  EXPECT_EQ(sizeof(ours.here), sizeof(theirs.there))
  EXPECT_FIELD(blocking, blocking);
  EXPECT_FIELD(cga_cluster_size, cgaClusterSize);
  EXPECT_FIELD(min_ctas, minCTAs);
  EXPECT_FIELD(max_ctas, maxCTAs);
  EXPECT_FIELD(net_name, netName);
  EXPECT_FIELD(split_share, splitShare);
  EXPECT_FIELD(traffic_class, trafficClass);
  EXPECT_FIELD(comm_name, commName);
  EXPECT_FIELD(collnet_enable, collnetEnable);
  EXPECT_FIELD(cta_policy, CTAPolicy);
  EXPECT_FIELD(shrink_share, shrinkShare);
  EXPECT_FIELD(nvls_ctas, nvlsCTAs);
  EXPECT_FIELD(channels_per_net_peer, nChannelsPerNetPeer);
  EXPECT_FIELD(nvlink_centric_sched, nvlinkCentricSched);
  EXPECT_EQ(ours.cga_cluster_size, theirs.cgaClusterSize);
}

#else

TEST(NcclAbi, HeadersAreNotHere) {
  std::printf("not compared with NVIDIA's nccl.h (2.28 or newer): this machine has none\n");
  EXPECT_EQ(sizeof(dist::NcclUniqueId), 128u);
}

#endif

}  // namespace
}  // namespace hone::test
