#pragma once
// Small whole numbers, exact in every element type, as the bytes a communicator sees.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/ports/communicator.h"

namespace hone::test {

inline constexpr CommType kAllTypes[] = {CommType::f32, CommType::f64, CommType::bf16, CommType::f16,
                                         CommType::i32, CommType::i64, CommType::u8};
inline constexpr ReduceOp kAllOps[] = {ReduceOp::sum, ReduceOp::min, ReduceOp::max};

class Values {
 public:
  Values(CommType type, const std::vector<double>& values);
  std::vector<double> read() const;
  CommBuffer all();
  CommBuffer part(std::int64_t begin, std::int64_t count);

 private:
  CommType type_;
  std::size_t width_;
  std::vector<std::byte> bytes_;
};

// What rank `rank` brings at element `i` in these tests: 0..10.
double value_of(int rank, std::int64_t i);
std::vector<double> values_of(int rank, std::int64_t count);
// All ranks' values combined.
std::vector<double> reduced(int ranks, std::int64_t count, ReduceOp op);

}  // namespace hone::test
