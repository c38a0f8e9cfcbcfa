#include "core/formats/decode.h"

#include <cstring>

#include "core/base/error.h"
#include "core/formats/half.h"

namespace hone::formats {
namespace {

constexpr std::int64_t kBlock = 32;

template <class T, class Convert>
void decode_plain(const std::byte* from, std::int64_t count, float* out, Convert convert) {
  for (std::int64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, from + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
    out[i] = convert(value);
  }
}

template <class T>
void decode_number(const std::byte* from, std::int64_t count, float* out) {
  decode_plain<T>(from, count, out, [](T value) { return static_cast<float>(value); });
}

float load_half(const std::byte* from) {
  std::uint16_t bits;
  std::memcpy(&bits, from, 2);
  return f16_to_float(bits);
}

void decode_q8_0(const std::byte* from, std::int64_t blocks, float* out) {
  for (std::int64_t b = 0; b < blocks; ++b, from += 34, out += kBlock) {
    const float scale = load_half(from);
    const auto* codes = reinterpret_cast<const std::int8_t*>(from + 2);
    for (int i = 0; i < kBlock; ++i) out[i] = static_cast<float>(codes[i]) * scale;
  }
}

void decode_q4_0(const std::byte* from, std::int64_t blocks, float* out) {
  for (std::int64_t b = 0; b < blocks; ++b, from += 18, out += kBlock) {
    const float scale = load_half(from);
    const auto* codes = reinterpret_cast<const std::uint8_t*>(from + 2);
    for (int i = 0; i < kBlock / 2; ++i) {
      out[i] = static_cast<float>((codes[i] & 15) - 8) * scale;
      out[i + kBlock / 2] = static_cast<float>((codes[i] >> 4) - 8) * scale;
    }
  }
}

void decode_q4_1(const std::byte* from, std::int64_t blocks, float* out) {
  for (std::int64_t b = 0; b < blocks; ++b, from += 20, out += kBlock) {
    const float scale = load_half(from), minimum = load_half(from + 2);
    const auto* codes = reinterpret_cast<const std::uint8_t*>(from + 4);
    for (int i = 0; i < kBlock / 2; ++i) {
      out[i] = static_cast<float>(codes[i] & 15) * scale + minimum;
      out[i + kBlock / 2] = static_cast<float>(codes[i] >> 4) * scale + minimum;
    }
  }
}

template <class Convert>
void encode_16(const float* from, std::int64_t count, std::byte* out, Convert convert) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint16_t bits = convert(from[i]);
    std::memcpy(out + 2 * i, &bits, 2);
  }
}

}  // namespace

BlockLayout block_layout(DType dtype) {
  switch (dtype) {
    case DType::f64:
    case DType::i64:
      return {1, 8};
    case DType::f32:
    case DType::i32:
      return {1, 4};
    case DType::f16:
    case DType::bf16:
      return {1, 2};
    case DType::i8:
    case DType::u8:
    case DType::boolean:
      return {1, 1};
    case DType::q8_0:
      return {kBlock, 34};
    case DType::q4_0:
      return {kBlock, 18};
    case DType::q4_1:
      return {kBlock, 20};
    case DType::nf4:
      break;
  }
  HONE_CHECK(dtype != DType::nf4);
  return {};
}

void decode(DType dtype, const std::byte* from, std::int64_t count, float* out) {
  if (count == 0) return;  // the pointers may then be null
  switch (dtype) {
    case DType::f32:
      std::memcpy(out, from, static_cast<std::size_t>(count) * 4);
      return;
    case DType::f16:
      return decode_plain<std::uint16_t>(from, count, out, f16_to_float);
    case DType::bf16:
      return decode_plain<std::uint16_t>(from, count, out, bf16_to_float);
    case DType::f64:
      return decode_number<double>(from, count, out);
    case DType::i64:
      return decode_number<std::int64_t>(from, count, out);
    case DType::i32:
      return decode_number<std::int32_t>(from, count, out);
    case DType::i8:
      return decode_number<std::int8_t>(from, count, out);
    case DType::u8:
    case DType::boolean:
      return decode_number<std::uint8_t>(from, count, out);
    case DType::q8_0:
      return decode_q8_0(from, count / kBlock, out);
    case DType::q4_0:
      return decode_q4_0(from, count / kBlock, out);
    case DType::q4_1:
      return decode_q4_1(from, count / kBlock, out);
    case DType::nf4:
      break;
  }
  HONE_CHECK(dtype != DType::nf4);
}

void encode(DType dtype, const float* from, std::int64_t count, std::byte* out) {
  switch (dtype) {
    case DType::f32:
      std::memcpy(out, from, static_cast<std::size_t>(count) * 4);
      return;
    case DType::f16:
      return encode_16(from, count, out, float_to_f16);
    case DType::bf16:
      return encode_16(from, count, out, float_to_bf16);
    default:
      HONE_CHECK(dtype == DType::f32);
  }
}

DType float_dtype(std::string_view name) {
  if (name == "fp16") return DType::f16;
  if (name == "bf16") return DType::bf16;
  HONE_CHECK(name == "fp32");
  return DType::f32;
}

std::string_view float_dtype_name(DType dtype) {
  if (dtype == DType::f16) return "fp16";
  if (dtype == DType::bf16) return "bf16";
  HONE_CHECK(dtype == DType::f32);
  return "fp32";
}

}  // namespace hone::formats
