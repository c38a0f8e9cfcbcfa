#pragma once
// NF4 (Dettmers et al. 2023, QLoRA) bit-compatible with bitsandbytes: blocks of 64 weights share an fp32 absmax;
// a weight is the index of the nearest of 16 normal quantiles (a tie goes to the lower index), two to a byte, the
// first in the high nibble. Double quantisation stores absmax - mean(absmax) in 8 bits per block, blocks of 256
// sharing an fp32 scale. An all-zero block has code 7 (exact zero). Plain memory; no tensors.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/formats/nf4.h"

namespace hone::quant {

using formats::kNf4Codebook;

inline constexpr std::int64_t kNf4Block = 64;
inline constexpr std::int64_t kNestedBlock = 256;

// Codes of one tensor; n elements.
struct Nf4Data {
  std::int64_t elements = 0;
  std::vector<std::uint8_t> codes;         // ceil(n / 2)
  std::vector<float> absmax;               // per block; empty when nested
  std::vector<std::uint8_t> absmax_codes;  // nested: per block
  std::vector<float> nested_absmax;        // nested: per 256 blocks
  std::vector<float> nested_map;           // nested: the 256 values of absmax_codes
  float offset = 0;                        // nested: mean of absmax
  bool nested() const { return !absmax_codes.empty(); }
  std::int64_t blocks() const { return (elements + kNf4Block - 1) / kNf4Block; }
  std::int64_t bytes() const;
};

// Quantises a tensor that arrives in pieces, row-major; never holds it whole.
class Nf4Quantizer {
 public:
  explicit Nf4Quantizer(std::int64_t elements);
  void push(std::span<const float> values);
  Nf4Data finish(bool double_quant);  // throws unless every element arrived

 private:
  void quantize_block(const float* values, std::int64_t count);
  Nf4Data data_;
  std::vector<float> pending_;
  std::int64_t done_ = 0;
};

// As bitsandbytes stored it: block 64, nested block 256.
Nf4Data from_stored(std::int64_t elements, const formats::Nf4Parts& parts);

// The offset is the mean of absmax, whose last bits depend on the order of a sum; given, it is used as it is.
void double_quantize(Nf4Data& data, std::optional<float> offset =
                                        std::nullopt);  // absmax -> absmax_codes, nested_absmax, offset
std::vector<float> absmax_of(const Nf4Data& data);      // per block, reconstructed where nested

// out[i] = code * absmax, fp32 or rounded to bf16 (raw bits), for the blocks [first, last).
void dequantize_nf4(const std::uint8_t* codes, const float* absmax, std::int64_t elements, std::int64_t first,
                    std::int64_t last, float* out);
void dequantize_nf4(const std::uint8_t* codes, const float* absmax, std::int64_t elements, std::int64_t first,
                    std::int64_t last, std::uint16_t* out_bf16);

}  // namespace hone::quant
