#include "data/load/sample_order.h"

#include <bit>

#include "core/base/error.h"
#include "core/base/philox.h"

namespace hone::data {
namespace {

constexpr std::uint32_t kSite = 0x4F524452;  // keeps this use of the generator apart from all others
constexpr std::uint32_t kRounds = 4;

std::uint64_t mask(int bits) { return (std::uint64_t{1} << bits) - 1; }

}  // namespace

SampleOrder::SampleOrder(std::int64_t count, std::uint64_t seed, bool shuffle)
    : count_(static_cast<std::uint64_t>(count)), seed_(seed), shuffle_(shuffle) {
  HONE_CHECK(count >= 0 && count < (std::int64_t{1} << 62));
  const int bits = count > 1 ? std::bit_width(count_ - 1) : 0;
  left_bits_ = bits / 2;
  right_bits_ = bits - left_bits_;
}

// A Feistel network on two halves (of at most 31 bits) with Philox as its round function.
std::uint64_t SampleOrder::permute(std::uint64_t epoch, std::uint64_t value) const {
  const PhiloxKey key = philox_key(seed_);
  std::uint64_t left = value >> right_bits_, right = value & mask(right_bits_);
  const auto noise = [&](std::uint64_t half, std::uint32_t round) -> std::uint64_t {
    return philox({static_cast<std::uint32_t>(half), round, static_cast<std::uint32_t>(epoch), kSite},
                  key)[0];
  };
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    left ^= noise(right, 2 * round) & mask(left_bits_);
    right ^= noise(left, 2 * round + 1) & mask(right_bits_);
  }
  return left << right_bits_ | right;
}

std::int64_t SampleOrder::index(std::int64_t epoch, std::int64_t place) const {
  HONE_CHECK(place >= 0 && static_cast<std::uint64_t>(place) < count_);
  if (!shuffle_) return place;
  std::uint64_t value = static_cast<std::uint64_t>(place);
  do value = permute(static_cast<std::uint64_t>(epoch), value);  // walks its cycle until it is inside again
  while (value >= count_);
  return static_cast<std::int64_t>(value);
}

}  // namespace hone::data
