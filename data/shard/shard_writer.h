#pragma once
// Lays out a shard (see columns.h) as the bytes of an HDF5 file, in memory: the same columns give the same
// bytes. The library never writes to disk; the caller does, atomically.
#include <span>
#include <vector>

#include "data/shard/columns.h"

namespace hone::data {

std::vector<std::byte> shard_image(const ShardHeader& header, std::span<const Column> columns);

}  // namespace hone::data
