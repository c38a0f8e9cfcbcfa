// Which attention kernel a CUDA device gets: decided without one.
#include <gtest/gtest.h>

#include "core/nn/attention.h"

namespace hone::test {

using nn::cuda_attention;
using nn::CudaAttention;

TEST(CudaAttention, HalfTypesGetFlashAttentionUpToHeadDimension256) {
  for (const auto type : {at::kHalf, at::kBFloat16}) {
    EXPECT_EQ(cuda_attention(type, 64), CudaAttention::flash);
    EXPECT_EQ(cuda_attention(type, 256), CudaAttention::flash);
    EXPECT_EQ(cuda_attention(type, 264), CudaAttention::efficient);
    EXPECT_EQ(cuda_attention(type, 60), CudaAttention::none);  // rows of 120 bytes
  }
  EXPECT_EQ(cuda_attention(at::kFloat, 60), CudaAttention::efficient);
  EXPECT_EQ(cuda_attention(at::kFloat, 62), CudaAttention::none);
  EXPECT_EQ(cuda_attention(at::kDouble, 64), CudaAttention::none);
}

TEST(CudaAttention, FlashAttentionStaysWithin32BitIndices) {
  // 8B shape, 32 heads of 128: 2^31 / 4096 = 524,288 rows, of which each sequence costs 128.
  EXPECT_TRUE(nn::flash_attention_fits(524287 - 128, 1, 32, 128));
  EXPECT_FALSE(nn::flash_attention_fits(524288 - 128, 1, 32, 128));
  EXPECT_FALSE(nn::flash_attention_fits(1000, 4096, 32, 128));
  EXPECT_EQ(nn::flash_attention_fits(524287 - 128, 1, 32, 97), true);  // 97 counts as 128
  EXPECT_EQ(nn::flash_attention_fits(524287 - 128, 1, 32, 129), false);
}

}  // namespace hone::test
