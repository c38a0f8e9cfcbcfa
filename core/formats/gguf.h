#pragma once
// GGUF versions 2 and 3, little-endian: metadata (keys with typed values) and tensors of a model in one file.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/file_system.h"
#include "core/formats/tensor_source.h"

namespace hone::formats {

struct GgufTensor {
  std::string name;                 // GGUF's own, e.g. "blk.0.attn_q.weight"
  std::string type_name;            // "Q4_1", "Q6_K", ...
  std::optional<DType> dtype;       // none: a type that hone does not read
  std::vector<std::int64_t> shape;  // row-major, outermost first (GGUF stores the reverse)
  std::span<const std::byte> bytes;
};

// Maps and checks one file (reliability: every size against what is left, no duplicates, offsets without
// holes) or Error(Exit::input, "GG0xx"). Values stay in the mapped file until asked for. Thread-safe once
// built.
//
// The getters give nullopt where the key is absent and throw GG008 where its value has another type.
class GgufFile {
 public:
  explicit GgufFile(const std::string& path);
  std::optional<std::string> string(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key) const;  // any integer type or bool
  std::optional<double> number(std::string_view key) const;         // any float or integer type
  std::optional<std::vector<std::string>> strings(std::string_view key) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view key) const;  // any integer type or bool
  std::optional<std::vector<double>> numbers(std::string_view key) const;         // any float or integer type
  bool has(std::string_view key) const { return values_.contains(key); }
  bool is_array(std::string_view key) const;
  std::vector<std::string> keys() const;  // sorted

  const std::vector<GgufTensor>& tensors() const { return tensors_; }  // in file order
  const GgufTensor* find(std::string_view name) const;
  std::uint32_t version() const { return version_; }
  const std::string& path() const { return file_->path(); }

 private:
  struct Value {
    std::uint32_t type = 0;              // of the value, or of an array's elements
    std::optional<std::uint64_t> count;  // elements of an array
    std::span<const std::byte> bytes;
  };
  class Parser;
  friend class Parser;
  const Value* value(std::string_view key, bool array) const;
  [[noreturn]] void wrong_type(std::string_view key, std::string_view wanted) const;

  std::shared_ptr<MappedFile> file_;
  std::uint32_t version_ = 0;
  std::map<std::string, Value, std::less<>> values_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
};

}  // namespace hone::formats
