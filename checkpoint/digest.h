#pragma once
// XXH3 (128 bit) as 32 lower-case hexadecimal digits: finds damage, not forgery.
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace hone::checkpoint {

std::string xxh3_hex(std::span<const std::byte> bytes);
bool is_xxh3_hex(std::string_view text);

}  // namespace hone::checkpoint
