// NF4 -> fp32 or bf16 on CPUs. With AVX-512 sixteen codes are looked up at once in one register.
#include <algorithm>
#include <bit>

#include "core/quant/nf4.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hone::quant {
namespace {

std::uint16_t round_to_bf16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

void store(float value, float& out) { out = value; }
void store(float value, std::uint16_t& out) { out = round_to_bf16(value); }

template <class Out>
void block_plain(const std::uint8_t* codes, float absmax, std::int64_t count, Out* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint8_t code = i % 2 == 0 ? codes[i / 2] >> 4 : codes[i / 2] & 15;
    store(kNf4Codebook[code] * absmax, out[i]);
  }
}

#if defined(__x86_64__)
#define HONE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))

HONE_AVX512 inline void store16(__m512 value, float* out) { _mm512_storeu_ps(out, value); }
HONE_AVX512 inline void store16(__m512 value, std::uint16_t* out) {
  const __m512i bits = _mm512_castps_si512(value);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7FFF)), odd);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16)));
}

// A whole block of 64: 8 bytes make 16 values, high nibble first.
template <class Out>
HONE_AVX512 void block_avx512(const std::uint8_t* codes, float absmax, Out* out) {
  const __m512 table = _mm512_mul_ps(_mm512_loadu_ps(kNf4Codebook.data()), _mm512_set1_ps(absmax));
  for (int group = 0; group < 4; ++group) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes + 8 * group));
    const __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15));
    const __m128i low = _mm_and_si128(bytes, _mm_set1_epi8(15));
    const __m512i index = _mm512_cvtepu8_epi32(_mm_unpacklo_epi8(high, low));
    store16(_mm512_permutexvar_ps(index, table), out + 16 * group);
  }
}

bool has_avx512() {
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl");
  return has;
}

template <class Out>
HONE_AVX512 void blocks_avx512(const std::uint8_t* codes, const float* absmax, std::int64_t first,
                               std::int64_t last, Out* out) {
  for (std::int64_t b = first; b < last; ++b)
    block_avx512(codes + b * (kNf4Block / 2), absmax[b], out + b * kNf4Block);
}
#endif

template <class Out>
void dequantize(const std::uint8_t* codes, const float* absmax, std::int64_t elements, std::int64_t first,
                std::int64_t last, Out* out) {
#if defined(__x86_64__)
  if (has_avx512()) {
    const std::int64_t whole = std::min(last, elements / kNf4Block);
    if (first < whole) blocks_avx512(codes, absmax, first, whole, out);
    first = std::max(first, whole);
  }
#endif
  for (std::int64_t b = first; b < last; ++b)
    block_plain(codes + b * (kNf4Block / 2), absmax[b], std::min(kNf4Block, elements - b * kNf4Block),
                out + b * kNf4Block);
}

}  // namespace

void dequantize_nf4(const std::uint8_t* codes, const float* absmax, std::int64_t elements, std::int64_t first,
                    std::int64_t last, float* out) {
  dequantize(codes, absmax, elements, first, last, out);
}

void dequantize_nf4(const std::uint8_t* codes, const float* absmax, std::int64_t elements, std::int64_t first,
                    std::int64_t last, std::uint16_t* out_bf16) {
  dequantize(codes, absmax, elements, first, last, out_bf16);
}

}  // namespace hone::quant
