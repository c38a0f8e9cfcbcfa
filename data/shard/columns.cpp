#include "data/shard/columns.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdio>

namespace hone::data {

std::size_t size_of(IntType type) {
  switch (type) {
    case IntType::u8:
      return 1;
    case IntType::u16:
      return 2;
    case IntType::i32:
    case IntType::u32:
      return 4;
    case IntType::i64:
    case IntType::u64:
      break;
  }
  return 8;
}

std::uint64_t xxh3(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string hex_digits(std::uint64_t digest) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(digest));
  return text;
}

std::vector<std::uint64_t> block_digests(std::span<const std::byte> bytes) {
  std::vector<std::uint64_t> digests;
  for (std::size_t at = 0; at < bytes.size(); at += kDigestBlock)
    digests.push_back(xxh3(bytes.subspan(at, std::min(kDigestBlock, bytes.size() - at))));
  return digests;
}

}  // namespace hone::data
