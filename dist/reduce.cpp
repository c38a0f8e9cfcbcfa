#include "dist/reduce.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <type_traits>

#include "core/base/error.h"

namespace hone::dist {
namespace {

struct Bf16 {
  std::uint16_t bits;
};
using Half = _Float16;

template <class T>
struct Identity {
  using Stored = T;
  using Wide = T;
  static T widen(T value) { return value; }
  static T narrow(T value) { return value; }
};

struct HalfFormat {
  using Stored = Half;
  using Wide = float;
  static float widen(Half value) { return static_cast<float>(value); }
  static Half narrow(float value) { return static_cast<Half>(value); }
};

struct Bf16Format {
  using Stored = Bf16;
  using Wide = float;
  static float widen(Bf16 value) { return std::bit_cast<float>(std::uint32_t{value.bits} << 16); }
  static Bf16 narrow(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if (std::isnan(value)) return {static_cast<std::uint16_t>(bits >> 16 | 0x40u)};
    return {static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
  }
};

template <ReduceOp op, class T>
T combine(T a, T b) {
  if constexpr (op == ReduceOp::sum && std::is_integral_v<T>) {
    using Unsigned = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<Unsigned>(a) + static_cast<Unsigned>(b));
  } else if constexpr (op == ReduceOp::sum) {
    return a + b;
  } else {
    const bool take = op == ReduceOp::min ? b < a : b > a;
    return take || b != b ? b : a;
  }
}

constexpr std::int64_t kChunk = 1024;  // of the wide type: a few stay in the first-level cache

// The parts [first, last) of a chunk, as a balanced binary tree: the lower half takes the larger power of two.
template <class Format, ReduceOp op>
void reduce_tree(std::span<const void* const> parts, std::int64_t begin, std::int64_t length,
                 typename Format::Wide* out) {
  if (parts.size() == 1) {
    const auto* values = static_cast<const typename Format::Stored*>(parts[0]) + begin;
    for (std::int64_t i = 0; i < length; ++i) out[i] = Format::widen(values[i]);
    return;
  }
  const std::size_t lower = std::bit_ceil(parts.size()) / 2;
  std::array<typename Format::Wide, kChunk> upper;
  reduce_tree<Format, op>(parts.first(lower), begin, length, out);
  reduce_tree<Format, op>(parts.subspan(lower), begin, length, upper.data());
  for (std::int64_t i = 0; i < length; ++i) out[i] = combine<op>(out[i], upper[i]);
}

template <class Format, ReduceOp op>
void reduce_as(void* out, std::span<const void* const> parts, std::int64_t count) {
  std::array<typename Format::Wide, kChunk> sum;
  for (std::int64_t begin = 0; begin < count; begin += kChunk) {
    const std::int64_t length = std::min(kChunk, count - begin);
    reduce_tree<Format, op>(parts, begin, length, sum.data());
    auto* to = static_cast<typename Format::Stored*>(out) + begin;
    for (std::int64_t i = 0; i < length; ++i) to[i] = Format::narrow(sum[i]);
  }
}

template <class Format>
void reduce_format(void* out, std::span<const void* const> parts, std::int64_t count, ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return reduce_as<Format, ReduceOp::sum>(out, parts, count);
    case ReduceOp::min:
      return reduce_as<Format, ReduceOp::min>(out, parts, count);
    case ReduceOp::max:
      return reduce_as<Format, ReduceOp::max>(out, parts, count);
  }
}

}  // namespace

std::size_t size_of(CommType type) {
  switch (type) {
    case CommType::f64:
    case CommType::i64:
      return 8;
    case CommType::f32:
    case CommType::i32:
      return 4;
    case CommType::bf16:
    case CommType::f16:
      return 2;
    case CommType::u8:
      return 1;
  }
  return 0;
}

void reduce_parts(void* out, std::span<const void* const> parts, std::int64_t count, CommType type,
                  ReduceOp op) {
  HONE_CHECK(!parts.empty());
  switch (type) {
    case CommType::f32:
      return reduce_format<Identity<float>>(out, parts, count, op);
    case CommType::f64:
      return reduce_format<Identity<double>>(out, parts, count, op);
    case CommType::bf16:
      return reduce_format<Bf16Format>(out, parts, count, op);
    case CommType::f16:
      return reduce_format<HalfFormat>(out, parts, count, op);
    case CommType::i32:
      return reduce_format<Identity<std::int32_t>>(out, parts, count, op);
    case CommType::i64:
      return reduce_format<Identity<std::int64_t>>(out, parts, count, op);
    case CommType::u8:
      return reduce_format<Identity<std::uint8_t>>(out, parts, count, op);
  }
}

}  // namespace hone::dist
