#include "tests/dist/values.h"

#include <algorithm>
#include <cstring>

#include "dist/reduce.h"

namespace hone::test {
namespace {

template <class T>
void put(std::byte* to, double value) {
  const auto typed = static_cast<T>(value);
  std::memcpy(to, &typed, sizeof typed);
}

template <class T>
double get(const std::byte* from) {
  T typed;
  std::memcpy(&typed, from, sizeof typed);
  return static_cast<double>(typed);
}

void put_as(CommType type, std::byte* to, double value) {
  const auto single = static_cast<float>(value);
  switch (type) {
    case CommType::f32:
      return put<float>(to, value);
    case CommType::f64:
      return put<double>(to, value);
    case CommType::f16:
      return put<_Float16>(to, value);
    case CommType::i32:
      return put<std::int32_t>(to, value);
    case CommType::i64:
      return put<std::int64_t>(to, value);
    case CommType::u8:
      return put<std::uint8_t>(to, value);
    // The upper half of the float: exact for the values used here.
    case CommType::bf16:
      std::memcpy(to, reinterpret_cast<const std::byte*>(&single) + 2, 2);
  }
}

double get_as(CommType type, const std::byte* from) {
  float single = 0;
  switch (type) {
    case CommType::f32:
      return get<float>(from);
    case CommType::f64:
      return get<double>(from);
    case CommType::f16:
      return get<_Float16>(from);
    case CommType::i32:
      return get<std::int32_t>(from);
    case CommType::i64:
      return static_cast<double>(get<std::int64_t>(from));
    case CommType::u8:
      return get<std::uint8_t>(from);
    case CommType::bf16:
      std::memcpy(reinterpret_cast<std::byte*>(&single) + 2, from, 2);
  }
  return single;
}

double combine(double a, double b, ReduceOp op) {
  return op == ReduceOp::sum ? a + b : op == ReduceOp::min ? std::min(a, b) : std::max(a, b);
}

}  // namespace

Values::Values(CommType type, const std::vector<double>& values)
    : type_(type), width_(dist::size_of(type)), bytes_(values.size() * width_) {
  for (std::size_t i = 0; i < values.size(); ++i) put_as(type, bytes_.data() + i * width_, values[i]);
}

std::vector<double> Values::read() const {
  std::vector<double> values;
  for (std::size_t at = 0; at < bytes_.size(); at += width_)
    values.push_back(get_as(type_, bytes_.data() + at));
  return values;
}

CommBuffer Values::all() { return part(0, static_cast<std::int64_t>(bytes_.size() / width_)); }

CommBuffer Values::part(std::int64_t begin, std::int64_t count) {
  return {bytes_.data() + static_cast<std::size_t>(begin) * width_, count, type_};
}

double value_of(int rank, std::int64_t i) { return static_cast<double>((7 * rank + 3 * i) % 11); }

std::vector<double> values_of(int rank, std::int64_t count) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(value_of(rank, i));
  return values;
}

std::vector<double> reduced(int ranks, std::int64_t count, ReduceOp op) {
  std::vector<double> values = values_of(0, count);
  for (int rank = 1; rank < ranks; ++rank)
    for (std::int64_t i = 0; i < count; ++i) values[i] = combine(values[i], value_of(rank, i), op);
  return values;
}

}  // namespace hone::test
