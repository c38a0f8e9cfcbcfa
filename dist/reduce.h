#pragma once
// The one place where values of several ranks are combined, so that every backend gives the same bits:
// element i is combined in a balanced binary tree over ranks
// (0 and 1, 2 and 3, then these pairs, ...), bf16 and f16 in fp32 with one rounding (to nearest, ties to even) at
// the end, integers modulo 2^n; a NaN of any rank stays.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/ports/communicator.h"

namespace hone::dist {

std::size_t size_of(CommType type);
inline std::size_t bytes_of(const CommBuffer& buffer) {
  return static_cast<std::size_t>(buffer.count) * size_of(buffer.type);
}

// Nothing where there is nothing to do: no bytes (the pointers may be null) or the same place.
inline void copy_bytes(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0 && to != from) std::memmove(to, from, bytes);
}

// out[i] = (parts[0][i] op parts[1][i]) op (parts[2][i] op parts[3][i]) ... for i < count. `out` may be one of the parts.
void reduce_parts(void* out, std::span<const void* const> parts, std::int64_t count, CommType type,
                  ReduceOp op);

}  // namespace hone::dist
