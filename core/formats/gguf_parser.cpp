#include "core/formats/gguf_parser.h"

#include <algorithm>
#include <bit>

#include "core/formats/checked.h"
#include "core/formats/magic.h"

namespace hone::formats {
namespace {

constexpr std::uint64_t kMaxTensors = 100'000, kMaxValues = 100'000;
constexpr std::uint64_t kMaxString = std::uint64_t{1} << 20, kMaxKey = 65'535, kMaxTensorName = 512;
constexpr std::uint64_t kMaxArray = std::uint64_t{4} << 20;
constexpr std::uint64_t kMinAlignment = 8, kMaxAlignment = std::uint64_t{1} << 20, kDefaultAlignment = 32;
constexpr std::uint32_t kMaxDims = 4;

constexpr GgmlType kGgmlTypes[] = {
    {0, "F32", 1, 4, DType::f32},     {1, "F16", 1, 2, DType::f16},    {2, "Q4_0", 32, 18, DType::q4_0},
    {3, "Q4_1", 32, 20, DType::q4_1}, {6, "Q5_0", 32, 22, {}},         {7, "Q5_1", 32, 24, {}},
    {8, "Q8_0", 32, 34, DType::q8_0}, {9, "Q8_1", 32, 36, {}},         {10, "Q2_K", 256, 84, {}},
    {11, "Q3_K", 256, 110, {}},       {12, "Q4_K", 256, 144, {}},      {13, "Q5_K", 256, 176, {}},
    {14, "Q6_K", 256, 210, {}},       {15, "Q8_K", 256, 292, {}},      {16, "IQ2_XXS", 256, 66, {}},
    {17, "IQ2_XS", 256, 74, {}},      {18, "IQ3_XXS", 256, 98, {}},    {19, "IQ1_S", 256, 50, {}},
    {20, "IQ4_NL", 32, 18, {}},       {21, "IQ3_S", 256, 110, {}},     {22, "IQ2_S", 256, 82, {}},
    {23, "IQ4_XS", 256, 136, {}},     {24, "I8", 1, 1, DType::i8},     {25, "I16", 1, 2, {}},
    {26, "I32", 1, 4, DType::i32},    {27, "I64", 1, 8, DType::i64},   {28, "F64", 1, 8, DType::f64},
    {29, "IQ1_M", 256, 56, {}},       {30, "BF16", 1, 2, DType::bf16}, {34, "TQ1_0", 256, 54, {}},
    {35, "TQ2_0", 256, 66, {}},       {39, "MXFP4", 32, 17, {}},
};

}  // namespace

const GgmlType* find_ggml_type(std::uint32_t id) {
  const auto* found = std::find_if(std::begin(kGgmlTypes), std::end(kGgmlTypes),
                                   [&](const GgmlType& type) { return type.id == id; });
  return found == std::end(kGgmlTypes) ? nullptr : found;
}

void GgufFile::Parser::refuse(std::string_view code, std::string_view what, std::string_view why,
                              std::string_view hint) const {
  throw Error(Exit::input, code, what, out_.path(),
              std::string(why) + ", at byte " + std::to_string(position_), hint);
}

std::span<const std::byte> GgufFile::Parser::take(std::uint64_t size, std::string_view what) {
  if (size > left())
    refuse("GG016", "file cut off",
           std::string(what) + " needs " + std::to_string(size) + " bytes, " + std::to_string(left()) +
               " are left");
  const auto part = bytes_.subspan(position_, size);
  position_ += size;
  return part;
}

std::string_view GgufFile::Parser::take_string(std::string_view what) {
  const auto size = take_value<std::uint64_t>(what);
  if (size > kMaxString)
    refuse("GG004", "string too long",
           std::string(what) + " of " + std::to_string(size) + " bytes, limit " + std::to_string(kMaxString));
  const auto text = take(size, what);
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

void GgufFile::Parser::run() {
  read_header();
  for (std::uint64_t i = 0; i < value_count_; ++i) read_value();
  for (std::uint64_t i = 0; i < tensor_count_; ++i) read_tensor();
  place_tensors();
}

void GgufFile::Parser::read_header() {
  refuse_pickle(bytes_, out_.path());
  if (!is_gguf(bytes_))
    refuse("GG001", "not a GGUF file", "the first four bytes are not GGUF",
           "a model is a GGUF file or a folder with config.json");
  position_ = 4;
  out_.version_ = take_value<std::uint32_t>("version");
  if (out_.version_ != 2 && out_.version_ != 3) {
    const std::uint32_t swapped = __builtin_bswap32(out_.version_);
    refuse("GG002", "GGUF version not supported",
           swapped == 2 || swapped == 3 ? std::string("the file is big-endian")
                                        : "version " + std::to_string(out_.version_) + ", known are 2 and 3");
  }
  tensor_count_ = take_value<std::uint64_t>("tensor count");
  value_count_ = take_value<std::uint64_t>("key count");
  if (tensor_count_ > kMaxTensors)
    refuse("GG003", "too many tensors",
           std::to_string(tensor_count_) + ", limit " + std::to_string(kMaxTensors));
  if (value_count_ > kMaxValues)
    refuse("GG003", "too many keys", std::to_string(value_count_) + ", limit " + std::to_string(kMaxValues));
}

void GgufFile::Parser::read_value() {
  const std::string key(take_string("a key"));
  if (key.empty() || key.size() > kMaxKey)
    refuse("GG006", "bad key", "a key of " + std::to_string(key.size()) + " bytes");
  Value value;
  value.type = take_value<std::uint32_t>(key);
  if (value.type == kArray) {
    value = read_array(key);
  } else if (value.type == kString) {
    const std::string_view text = take_string(key);
    value.bytes = std::as_bytes(std::span(text.data(), text.size()));
  } else {
    const std::size_t size = gguf_type_size(value.type);
    if (size == 0) refuse("GG008", "unknown value type", key + " has type " + std::to_string(value.type));
    value.bytes = take(size, key);
    if (value.type == kBool && load<std::uint8_t>(value.bytes.data()) > 1)
      refuse("GG008", "bad boolean", key + " is neither 0 nor 1");
  }
  if (!out_.values_.emplace(key, value).second) refuse("GG007", "key stands twice", key);
}

GgufFile::Value GgufFile::Parser::read_array(std::string_view key) {
  const std::string name(key);
  Value value;
  value.type = take_value<std::uint32_t>(key);
  value.count = take_value<std::uint64_t>(key);
  const std::size_t size = value.type == kString ? 8 : gguf_type_size(value.type);
  if (value.type == kArray) refuse("GG005", "bad array", name + " is an array of arrays");
  if (size == 0) refuse("GG005", "bad array", name + " has elements of type " + std::to_string(value.type));
  if (*value.count > kMaxArray)
    refuse("GG005", "array too long",
           name + " has " + std::to_string(*value.count) + " elements, limit " + std::to_string(kMaxArray));
  if (*value.count * size > left())
    refuse("GG016", "file cut off",
           name + " has " + std::to_string(*value.count) + " elements, " + std::to_string(left()) +
               " bytes are left");
  const std::uint64_t begin = position_;
  if (value.type == kString) {
    for (std::uint64_t i = 0; i < *value.count; ++i) take_string(key);
  } else {
    take(*value.count * size, key);
  }
  value.bytes = bytes_.subspan(begin, position_ - begin);
  return value;
}

std::uint64_t GgufFile::Parser::read_alignment() const {
  const auto it = out_.values_.find("general.alignment");
  if (it == out_.values_.end()) return kDefaultAlignment;
  if (it->second.type != kU32 || it->second.count)
    refuse("GG009", "bad alignment", "general.alignment is not a uint32");
  const std::uint64_t alignment = load<std::uint32_t>(it->second.bytes.data());
  if (!std::has_single_bit(alignment) || alignment < kMinAlignment || alignment > kMaxAlignment)
    refuse("GG009", "bad alignment", std::to_string(alignment) + " is not a power of two from 8 to 1 MiB");
  return alignment;
}

std::uint64_t GgufFile::Parser::read_shape(GgufTensor& tensor) {
  const auto dims = take_value<std::uint32_t>(tensor.name);
  if (dims < 1 || dims > kMaxDims)
    refuse("GG011", "bad shape",
           tensor.name + " has " + std::to_string(dims) + " dimensions, 1 to 4 are allowed");
  std::uint64_t elements = 1;
  for (std::uint32_t i = 0; i < dims; ++i) {
    const auto size = take_value<std::uint64_t>(tensor.name);
    const auto product = checked_multiply(elements, size);
    if (size == 0 || !product || *product > static_cast<std::uint64_t>(INT64_MAX))
      refuse("GG011", "bad shape", tensor.name + " has a dimension of " + std::to_string(size));
    elements = *product;
    tensor.shape.insert(tensor.shape.begin(), static_cast<std::int64_t>(size));
  }
  return elements;
}

void GgufFile::Parser::read_tensor() {
  GgufTensor tensor;
  tensor.name = std::string(take_string("a tensor name"));
  if (tensor.name.empty() || tensor.name.size() > kMaxTensorName)
    refuse("GG010", "bad tensor name", "a name of " + std::to_string(tensor.name.size()) + " bytes");
  if (!out_.by_name_.emplace(tensor.name, out_.tensors_.size()).second)
    refuse("GG010", "tensor stands twice", tensor.name);
  const std::uint64_t elements = read_shape(tensor);
  const auto type_id = take_value<std::uint32_t>(tensor.name);
  const GgmlType* type = find_ggml_type(type_id);
  if (!type) refuse("GG012", "unknown tensor type", tensor.name + " has type " + std::to_string(type_id));
  if (static_cast<std::uint64_t>(tensor.shape.back()) % type->block != 0)
    refuse("GG013", "broken block",
           tensor.name + " has rows of " + std::to_string(tensor.shape.back()) + ", " + type->name +
               " needs a multiple of " + std::to_string(type->block));
  tensor.type_name = type->name;
  tensor.dtype = type->dtype;
  const auto size = checked_multiply(elements / type->block, type->bytes);
  if (!size) refuse("GG011", "bad shape", tensor.name + " is larger than any file");
  layout_.push_back({take_value<std::uint64_t>(tensor.name), *size});
  out_.tensors_.push_back(std::move(tensor));
}

void GgufFile::Parser::place_tensors() {
  const std::uint64_t alignment = read_alignment();
  const auto padded = [&](std::uint64_t size) { return (size + alignment - 1) / alignment * alignment; };
  if (out_.tensors_.empty()) return;
  const std::uint64_t start = padded(position_);
  std::uint64_t expected = 0;
  for (std::size_t i = 0; i < layout_.size(); ++i) {
    GgufTensor& tensor = out_.tensors_[i];
    const auto [offset, size] = layout_[i];
    if (offset != expected)
      refuse("GG014", "bad tensor offset",
             tensor.name + " is said to be at " + std::to_string(offset) + ", its place is " +
                 std::to_string(expected));
    const std::uint64_t room = start + offset > bytes_.size() ? 0 : bytes_.size() - start - offset;
    if (size > room)
      refuse(
          "GG015", "tensor data cut off",
          tensor.name + " needs " + std::to_string(size) + " bytes, " + std::to_string(room) + " are left");
    tensor.bytes = bytes_.subspan(start + offset, size);
    expected = offset + padded(size);
  }
}

}  // namespace hone::formats
