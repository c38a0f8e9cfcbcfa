#pragma once
// The weights of a model file under their Hugging Face names, whatever the file format. Nothing is copied until
// asked for; a source keeps its files mapped. Reading is thread-safe.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/formats/model_config.h"

namespace hone::formats {

// q8_0, q4_0, q4_1: GGUF blocks of 32. nf4: bitsandbytes' serialised layout (its parts read through nf4()).
enum class DType { f64, f32, f16, bf16, i64, i32, i8, u8, boolean, q8_0, q4_0, q4_1, nf4 };

struct TensorInfo {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;  // row-major, outermost first; for nf4 the shape before quantisation
};

// The matrix of a linear inside a block: what is quantised and gets adapters; embeddings, head and norms are not.
bool is_block_linear(const TensorInfo& tensor);

// A bitsandbytes NF4 tensor as stored: packed codes and (double-quantised) absmax. Views into the mapped file.
struct Nf4Parts {
  std::span<const std::byte> codes;             // ceil(n / 2) bytes, first element in the high nibble
  std::span<const std::byte> absmax;            // u8 per block when nested, else f32
  std::span<const std::byte> quant_map;         // 16 f32
  std::span<const std::byte> nested_absmax;     // f32 per nested block; empty: not nested
  std::span<const std::byte> nested_quant_map;  // 256 f32
  std::int64_t block_size = 64;
  std::int64_t nested_block_size = 256;
  float nested_offset = 0;
  std::string dtype;  // of the weight before quantisation, e.g. "bfloat16"
};

class TensorSource {
 public:
  virtual ~TensorSource() = default;
  virtual const std::vector<TensorInfo>& tensors() const = 0;  // sorted by name
  const TensorInfo* find(std::string_view name) const;         // nullptr: not there
  // Rows [begin, end) of the first dimension (a vector has one-element rows), decoded to fp32, row-major.
  virtual void read_rows(const TensorInfo& tensor, std::int64_t begin, std::int64_t end,
                         float* out) const = 0;
  // Stored bytes, for tensors that keep their type in an export. Empty where the source rearranges rows (GGUF q/k).
  virtual std::span<const std::byte> raw(const TensorInfo& tensor) const = 0;
  virtual std::optional<Nf4Parts> nf4(const TensorInfo& tensor) const = 0;
  virtual std::string describe(const TensorInfo& tensor) const = 0;  // "model.safetensors: name" for messages
};

struct ModelFiles {
  ModelConfig config;
  std::unique_ptr<TensorSource> tensors;
  std::uint64_t fingerprint =
      0;  // of config and tensor names, types, shapes and sizes (cheap; not of contents)
};

// ModelFiles::fingerprint of a model.
std::uint64_t fingerprint_of(const ModelConfig& config, const TensorSource& source);

// An HF folder (config.json + model.safetensors, or an index with shards) or a GGUF file. Errors: exit 3.
ModelFiles open_model(const std::string& path);
// Only the architecture; needs no weights to be there.
ModelConfig read_model_config(const std::string& path);

}  // namespace hone::formats
