#pragma once
// The checks behind GgufFile's constructor. Internal to core/formats.
#include <array>
#include <cstring>

#include "core/base/error.h"
#include "core/formats/gguf.h"

namespace hone::formats {

enum GgufType : std::uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};

// Bytes of one value; 0 for strings, arrays and unknown types.
inline std::size_t gguf_type_size(std::uint32_t type) {
  constexpr std::array<std::size_t, 13> kSizes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < kSizes.size() ? kSizes[type] : 0;
}

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

struct GgmlType {
  std::uint32_t id;
  const char* name;
  std::uint64_t block;  // elements
  std::uint64_t bytes;  // of a block
  std::optional<DType> dtype;
};
const GgmlType* find_ggml_type(std::uint32_t id);

class GgufFile::Parser {
 public:
  explicit Parser(GgufFile& out) : out_(out), bytes_(out.file_->bytes()) {}
  void run();

 private:
  struct Layout {
    std::uint64_t offset = 0, size = 0;
  };
  void read_header();
  void read_value();
  Value read_array(std::string_view key);
  std::uint64_t read_alignment() const;
  void read_tensor();
  std::uint64_t read_shape(GgufTensor& tensor);  // returns the number of elements
  void place_tensors();

  std::span<const std::byte> take(std::uint64_t size, std::string_view what);
  template <class T>
  T take_value(std::string_view what) {
    return load<T>(take(sizeof(T), what).data());
  }
  std::string_view take_string(std::string_view what);
  std::uint64_t left() const { return bytes_.size() - position_; }
  [[noreturn]] void refuse(std::string_view code, std::string_view what, std::string_view why,
                           std::string_view hint = {}) const;

  GgufFile& out_;
  std::span<const std::byte> bytes_;
  std::uint64_t position_ = 0;
  std::uint64_t tensor_count_ = 0, value_count_ = 0;
  std::vector<Layout> layout_;
};

}  // namespace hone::formats
