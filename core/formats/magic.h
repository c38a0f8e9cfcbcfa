#pragma once
// Formats told by their first bytes, not by a file's suffix.
#include <cstddef>
#include <span>
#include <string>

namespace hone::formats {

// Throws Error IN001 for pickle, zip, gzip and tar files: the containers of PyTorch checkpoints.
void refuse_pickle(std::span<const std::byte> bytes, const std::string& path);

bool is_gguf(std::span<const std::byte> bytes);

}  // namespace hone::formats
