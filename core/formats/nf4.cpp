#include "core/formats/nf4.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/base/error.h"
#include "core/formats/json_fields.h"

namespace hone::formats {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

class Nf4Reader {
 public:
  Nf4Reader(const std::string& weight, const std::function<const SafetensorsEntry*(const std::string&)>& find,
            std::string where)
      : weight_(weight), find_(find), where_(std::move(where)) {}

  Nf4Tensor read() {
    const auto state = part(std::string(kNf4StateSuffix), DType::u8, -1);
    read_state({reinterpret_cast<const char*>(state.data()), state.size()});
    Nf4Parts& parts = out_.parts;
    const std::int64_t count = element_count(out_.info.shape);
    const std::int64_t blocks = ceil_div(count, parts.block_size);
    parts.codes = part("", DType::u8, ceil_div(count, 2));
    parts.absmax = part(".absmax", nested_ ? DType::u8 : DType::f32, blocks);
    parts.quant_map = part(".quant_map", DType::f32, 16);
    if (std::memcmp(parts.quant_map.data(), kNf4Codebook.data(), 64) != 0)
      refuse("NF006", "NF4 code book not supported", ".quant_map", "its values are not those of NF4");
    if (nested_) {
      parts.nested_absmax = part(".nested_absmax", DType::f32, ceil_div(blocks, parts.nested_block_size));
      parts.nested_quant_map = part(".nested_quant_map", DType::f32, 256);
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(std::string_view code, std::string_view what, const std::string& suffix,
                           const std::string& why) const {
    throw Error(Exit::input, code, what, where_ + ": " + weight_ + suffix, why);
  }

  std::span<const std::byte> part(const std::string& suffix, DType dtype, std::int64_t count) const {
    const SafetensorsEntry* entry = find_(weight_ + suffix);
    if (!entry) refuse("NF001", "part of an NF4 weight missing", suffix, "it is in none of the files");
    if (entry->info.dtype != dtype) refuse("NF005", "part of an NF4 weight is wrong", suffix, "another type");
    const std::int64_t met = element_count(entry->info.shape);
    if (count >= 0 && met != count)
      refuse("NF005", "part of an NF4 weight is wrong", suffix,
             std::to_string(met) + " elements, expected " + std::to_string(count));
    return entry->bytes;
  }

  void read_state(std::string_view text) {
    const std::string where = where_ + ": " + weight_ + std::string(kNf4StateSuffix);
    const Json json = parse_json(text, "NF002", where);
    const JsonFields state(json, "NF", where);
    if (const auto type = state.need_string("quant_type"); type != "nf4")
      state.refuse("006", "quantisation not supported", "quant_type", type, "only nf4");
    Nf4Parts& parts = out_.parts;
    parts.block_size = state.need_integer("blocksize", 32, 4096);
    if (!std::has_single_bit(static_cast<std::uint64_t>(parts.block_size)))
      state.refuse("003", "value out of range", "blocksize", "not a power of two");
    parts.dtype = state.need_string("dtype");
    const auto shape = state.integers("shape", 1, INT64_MAX);
    if (!shape || shape->size() != 2)
      state.refuse("003", "value out of range", "shape", "a weight of two dimensions was expected");
    out_.info = {weight_, DType::nf4, *shape};
    const auto nested_block = state.integer("nested_blocksize", 1, 1 << 20);
    nested_ = nested_block.has_value();
    if (!nested_) return;
    parts.nested_block_size = *nested_block;
    if (const auto type = state.string("nested_dtype").value_or("float32"); type != "float32")
      state.refuse("006", "quantisation not supported", "nested_dtype", type, "only float32");
    const auto offset = state.number("nested_offset", -1e30, 1e30);
    if (!offset) state.refuse("002", "key missing", "nested_offset", "it is needed");
    parts.nested_offset = static_cast<float>(*offset);
  }

  const std::string& weight_;
  const std::function<const SafetensorsEntry*(const std::string&)>& find_;
  std::string where_;
  Nf4Tensor out_;
  bool nested_ = false;
};

float load_float(std::span<const std::byte> bytes, std::int64_t index) {
  float value;
  std::memcpy(&value, bytes.data() + 4 * index, 4);
  return value;
}

float block_absmax(const Nf4Parts& parts, std::int64_t block) {
  if (parts.nested_absmax.empty()) return load_float(parts.absmax, block);
  const auto code = static_cast<std::int64_t>(parts.absmax[static_cast<std::size_t>(block)]);
  const float scaled = load_float(parts.nested_quant_map, code) *
                       load_float(parts.nested_absmax, block / parts.nested_block_size);
  return scaled + parts.nested_offset;
}

// As Python prints a float: the shortest digits, fixed from 1e-4 up to 1e16, else scientific.
std::string python_repr(double value) {
  std::array<char, 40> buffer;
  const double size = std::abs(value);
  const bool fixed = value == 0 || (size >= 1e-4 && size < 1e16);
  const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format).ptr;
  std::string text(buffer.data(), end);
  if (fixed && text.find('.') == std::string::npos) text += ".0";
  return text;
}

}  // namespace

Nf4Tensor read_nf4(const std::string& weight,
                   const std::function<const SafetensorsEntry*(const std::string&)>& find,
                   const std::string& where) {
  return Nf4Reader(weight, find, where).read();
}

void decode_nf4(const Nf4Parts& parts, std::int64_t begin, std::int64_t end, float* out) {
  const auto* codes = reinterpret_cast<const std::uint8_t*>(parts.codes.data());
  for (std::int64_t i = begin; i < end;) {
    const std::int64_t block = i / parts.block_size;
    const std::int64_t stop = std::min(end, (block + 1) * parts.block_size);
    const float absmax = block_absmax(parts, block);
    std::array<float, 16> values;
    for (std::size_t code = 0; code < values.size(); ++code) values[code] = kNf4Codebook[code] * absmax;
    if (i % 2 != 0) *out++ = values[codes[i++ / 2] & 15];
    for (; i + 1 < stop; i += 2) {
      const std::uint8_t pair = codes[i / 2];
      *out++ = values[pair >> 4];
      *out++ = values[pair & 15];
    }
    if (i < stop) *out++ = values[codes[i++ / 2] >> 4];
  }
}

std::string nf4_state_json(const Nf4Form& form) {
  std::string shape;
  for (const std::int64_t dim : form.shape) shape += (shape.empty() ? "" : ", ") + std::to_string(dim);
  std::string json = R"({"quant_type": "nf4", "blocksize": )" + std::to_string(form.block) +
                     R"(, "dtype": ")" + form.dtype + R"(", "shape": [)" + shape + "]";
  if (form.nested_block > 0)
    json += R"(, "nested_blocksize": )" + std::to_string(form.nested_block) +
            R"(, "nested_dtype": "float32", "nested_offset": )" + python_repr(form.nested_offset);
  return json + "}";
}

std::vector<TensorInfo> nf4_tensor_infos(const std::string& weight, const Nf4Form& form) {
  const std::int64_t count = element_count(form.shape);
  const std::int64_t blocks = ceil_div(count, form.block);
  const bool nested = form.nested_block > 0;
  std::vector<TensorInfo> infos{{weight, DType::u8, {ceil_div(count, 2), 1}},
                                {weight + ".absmax", nested ? DType::u8 : DType::f32, {blocks}},
                                {weight + ".quant_map", DType::f32, {16}}};
  if (nested) {
    infos.push_back({weight + ".nested_absmax", DType::f32, {ceil_div(blocks, form.nested_block)}});
    infos.push_back({weight + ".nested_quant_map", DType::f32, {256}});
  }
  const auto state_size = static_cast<std::int64_t>(nf4_state_json(form).size());
  infos.push_back({weight + std::string(kNf4StateSuffix), DType::u8, {state_size}});
  return infos;
}

std::vector<std::span<const std::byte>> nf4_tensor_bytes(const Nf4Parts& parts,
                                                         const std::string& state_json) {
  std::vector<std::span<const std::byte>> bytes{parts.codes, parts.absmax, parts.quant_map};
  if (!parts.nested_absmax.empty()) {
    bytes.push_back(parts.nested_absmax);
    bytes.push_back(parts.nested_quant_map);
  }
  bytes.push_back(std::as_bytes(std::span(state_json)));
  return bytes;
}

}  // namespace hone::formats
