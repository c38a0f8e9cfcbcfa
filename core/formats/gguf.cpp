#include "core/formats/gguf.h"

#include "core/base/error.h"
#include "core/formats/gguf_parser.h"

namespace hone::formats {
namespace {

std::optional<std::int64_t> load_integer(std::uint32_t type, const std::byte* from) {
  switch (type) {
    case kU8:
    case kBool:
      return load<std::uint8_t>(from);
    case kI8:
      return load<std::int8_t>(from);
    case kU16:
      return load<std::uint16_t>(from);
    case kI16:
      return load<std::int16_t>(from);
    case kU32:
      return load<std::uint32_t>(from);
    case kI32:
      return load<std::int32_t>(from);
    case kI64:
      return load<std::int64_t>(from);
    case kU64: {
      const auto value = load<std::uint64_t>(from);
      if (value > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
      return static_cast<std::int64_t>(value);
    }
    default:
      return std::nullopt;
  }
}

std::optional<double> load_number(std::uint32_t type, const std::byte* from) {
  if (type == kF32) return load<float>(from);
  if (type == kF64) return load<double>(from);
  if (type == kBool) return std::nullopt;
  if (const auto integer = load_integer(type, from)) return static_cast<double>(*integer);
  return std::nullopt;
}

}  // namespace

GgufFile::GgufFile(const std::string& path) : file_(std::make_shared<MappedFile>(path)) {
  Parser(*this).run();
}

const GgufFile::Value* GgufFile::value(std::string_view key, bool array) const {
  const auto it = values_.find(key);
  if (it == values_.end()) return nullptr;
  if (it->second.count.has_value() != array) wrong_type(key, array ? "a list" : "a single value");
  return &it->second;
}

void GgufFile::wrong_type(std::string_view key, std::string_view wanted) const {
  throw Error(Exit::input, "GG008", "value of another type", path() + ": " + std::string(key),
              "expected " + std::string(wanted));
}

std::optional<std::string> GgufFile::string(std::string_view key) const {
  const Value* found = value(key, false);
  if (!found) return std::nullopt;
  if (found->type != kString) wrong_type(key, "a string");
  return std::string(reinterpret_cast<const char*>(found->bytes.data()), found->bytes.size());
}

std::optional<std::int64_t> GgufFile::integer(std::string_view key) const {
  const Value* found = value(key, false);
  if (!found) return std::nullopt;
  const auto result = load_integer(found->type, found->bytes.data());
  if (!result) wrong_type(key, "an integer");
  return result;
}

std::optional<double> GgufFile::number(std::string_view key) const {
  const Value* found = value(key, false);
  if (!found) return std::nullopt;
  const auto result = load_number(found->type, found->bytes.data());
  if (!result) wrong_type(key, "a number");
  return result;
}

std::optional<std::vector<std::string>> GgufFile::strings(std::string_view key) const {
  const Value* found = value(key, true);
  if (!found) return std::nullopt;
  if (found->type != kString) wrong_type(key, "a list of strings");
  std::vector<std::string> result;
  result.reserve(*found->count);
  const std::byte* at = found->bytes.data();
  for (std::uint64_t i = 0; i < *found->count; ++i) {
    const auto size = load<std::uint64_t>(at);
    result.emplace_back(reinterpret_cast<const char*>(at + 8), size);
    at += 8 + size;
  }
  return result;
}

std::optional<std::vector<std::int64_t>> GgufFile::integers(std::string_view key) const {
  const Value* found = value(key, true);
  if (!found) return std::nullopt;
  const std::size_t size = gguf_type_size(found->type);
  if (size == 0) wrong_type(key, "a list of integers");
  std::vector<std::int64_t> result(*found->count);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto element = load_integer(found->type, found->bytes.data() + i * size);
    if (!element) wrong_type(key, "a list of integers");
    result[i] = *element;
  }
  return result;
}

std::optional<std::vector<double>> GgufFile::numbers(std::string_view key) const {
  const Value* found = value(key, true);
  if (!found) return std::nullopt;
  const std::size_t size = gguf_type_size(found->type);
  if (size == 0) wrong_type(key, "a list of numbers");
  std::vector<double> result(*found->count);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto element = load_number(found->type, found->bytes.data() + i * size);
    if (!element) wrong_type(key, "a list of numbers");
    result[i] = *element;
  }
  return result;
}

bool GgufFile::is_array(std::string_view key) const {
  const auto it = values_.find(key);
  return it != values_.end() && it->second.count.has_value();
}

std::vector<std::string> GgufFile::keys() const {
  std::vector<std::string> names;
  for (const auto& [key, value] : values_) names.push_back(key);
  return names;
}

const GgufTensor* GgufFile::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &tensors_[it->second];
}

}  // namespace hone::formats
