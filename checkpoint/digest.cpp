#include "checkpoint/digest.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

namespace hone::checkpoint {

std::string xxh3_hex(std::span<const std::byte> bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

bool is_xxh3_hex(std::string_view text) {
  return text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace hone::checkpoint
