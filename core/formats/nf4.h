#pragma once
// bitsandbytes' serialised NF4 layout: for a weight W the tensors W (packed codes), W.absmax, W.quant_map,
// W.nested_absmax and W.nested_quant_map (when double-quantised) and W.quant_state.bitsandbytes__nf4 (JSON).
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/formats/safetensors.h"
#include "core/formats/tensor_source.h"

namespace hone::formats {

inline constexpr std::array<float, 16> kNf4Codebook{-1.0f,
                                                    -0.6961928009986877f,
                                                    -0.5250730514526367f,
                                                    -0.39491748809814453f,
                                                    -0.28444138169288635f,
                                                    -0.18477343022823334f,
                                                    -0.09105003625154495f,
                                                    0.0f,
                                                    0.07958029955625534f,
                                                    0.16093020141124725f,
                                                    0.24611230194568634f,
                                                    0.33791524171829224f,
                                                    0.44070982933044434f,
                                                    0.5626170039176941f,
                                                    0.7229568362236023f,
                                                    1.0f};

inline constexpr std::string_view kNf4StateSuffix = ".quant_state.bitsandbytes__nf4";

struct Nf4Tensor {
  TensorInfo info;  // logical shape, dtype nf4
  Nf4Parts parts;
};

// Finds the tensors of `weight` through `find` (nullptr: absent) and checks that they fit together.
// Errors NF001 (part missing), NF002 to NF004 (JSON keys), NF005 (a part of the wrong type or size),
// NF006 (a variant that is not supported).
Nf4Tensor read_nf4(const std::string& weight,
                   const std::function<const SafetensorsEntry*(const std::string&)>& find,
                   const std::string& where);

// Elements [begin, end) in fp32: codebook value times absmax, absmax rebuilt first where it is quantised.
void decode_nf4(const Nf4Parts& parts, std::int64_t begin, std::int64_t end, float* out);

// Of a weight to be written. nested_block 0: absmax stays fp32.
struct Nf4Form {
  std::vector<std::int64_t> shape;  // before quantisation
  std::string dtype = "float32";    // of the weight before quantisation, as PyTorch names it
  std::int64_t block = 64;
  std::int64_t nested_block = 256;
  float nested_offset = 0;
};

// The JSON of quant_state, byte for byte as bitsandbytes writes it.
std::string nf4_state_json(const Nf4Form& form);
// The tensors that stand for `weight` in a file, in the order of nf4_tensor_bytes.
std::vector<TensorInfo> nf4_tensor_infos(const std::string& weight, const Nf4Form& form);
std::vector<std::span<const std::byte>> nf4_tensor_bytes(const Nf4Parts& parts,
                                                         const std::string& state_json);

}  // namespace hone::formats
