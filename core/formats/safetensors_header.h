#pragma once
// The JSON header of a safetensors file, read event by event so that a hostile header costs no memory beyond
// what its tensors need. Internal to core/formats.
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/formats/tensor_source.h"

namespace hone::formats {

struct HeaderTensor {
  TensorInfo info;
  std::uint64_t begin = 0, end = 0;  // into the data that follows the header
};

struct SafetensorsHeader {
  std::vector<HeaderTensor> tensors;  // in the header's order, names unique
  std::map<std::string, std::string> metadata;
};

// Throws Error ST004 (JSON), ST005 (structure), ST006 (name), ST007 (type) or ST008 (shape).
SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& path);

std::string_view safetensors_dtype_name(DType dtype);  // "F32", ...; block types are an internal error

}  // namespace hone::formats
