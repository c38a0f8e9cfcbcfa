#pragma once
// Reading of golden values in the core's tests.
#include <ATen/ATen.h>

#include <string>

#include "core/formats/safetensors.h"
#include "core/formats/tensor_source.h"
#include "core/model/registry.h"
#include "core/ports/token_batch.h"

namespace hone::test {

inline std::string golden_path(const std::string& name) {
  return std::string(HONE_GOLDEN_DIR) + "/core/" + name;
}

class Golden {
 public:
  explicit Golden(const std::string& file) : file_(golden_path(file)) {}
  bool has(const std::string& name) const { return file_.find(name) != nullptr; }
  at::Tensor operator[](const std::string& name) const {
    const formats::SafetensorsEntry* entry = file_.find(name);
    if (!entry) throw std::runtime_error("no golden value " + name);
    return at::from_blob(const_cast<std::byte*>(entry->bytes.data()), entry->info.shape,
                         type(entry->info.dtype))
        .clone();
  }
  const formats::SafetensorsFile& file() const { return file_; }

 private:
  static at::ScalarType type(formats::DType dtype) {
    switch (dtype) {
      case formats::DType::f64:
        return at::kDouble;
      case formats::DType::f32:
        return at::kFloat;
      case formats::DType::bf16:
        return at::kBFloat16;
      case formats::DType::f16:
        return at::kHalf;
      case formats::DType::i64:
        return at::kLong;
      case formats::DType::i32:
        return at::kInt;
      case formats::DType::i8:
        return at::kChar;
      case formats::DType::u8:
        return at::kByte;
      case formats::DType::boolean:
        return at::kBool;
      default:
        throw std::runtime_error("golden type");
    }
  }
  formats::SafetensorsFile file_;
};

// Sequences [first, last) of a packed golden set as one batch.
inline TokenBatch batch_of(const Golden& golden, std::int64_t first, std::int64_t last) {
  const at::Tensor tokens = golden["tokens"].to(at::kInt), cu = golden["cu_seqlens"].to(at::kInt);
  const at::Tensor supervised = golden["supervised"].to(at::kByte);
  TokenBatch batch;
  for (std::int64_t s = first; s < last; ++s) {
    const int begin = cu[s].item<int>(), end = cu[s + 1].item<int>();
    for (int t = begin; t < end; ++t) {
      batch.tokens.push_back(tokens[t].item<int>());
      batch.positions.push_back(t - begin);
      batch.supervised.push_back(supervised[t].item<std::uint8_t>());
    }
    batch.cu_seqlens.push_back(static_cast<int>(batch.tokens.size()));
    batch.sample.push_back(s);
    batch.slot.push_back(0);
    batch.prefix.push_back(-1);
  }
  return batch;
}

inline model::Model build(const std::string& folder, const model::BuildSpec& spec, bool recompute = false) {
  const formats::ModelFiles files = formats::open_model(golden_path(folder));
  return model::build_model(files, spec, recompute);
}

// max |a - b| / max |b|
inline double relative_error(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.to(at::kDouble), y = b.to(at::kDouble);
  return ((x - y).abs().max() / y.abs().max().clamp_min(1e-30)).item<double>();
}

}  // namespace hone::test
