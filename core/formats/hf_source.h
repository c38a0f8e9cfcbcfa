#pragma once
// The safetensors of a Hugging Face folder: one file, or shards under an index.
#include <memory>
#include <string>

#include "core/formats/tensor_source.h"

namespace hone::formats {

// Opens folder/model.safetensors, else the shards of folder/model.safetensors.index.json. Index errors: IX001
// (JSON), IX002 (shard name), IX003 (structure), IX004 (tensor not in its shard), IX005 (tensor of a shard
// not in the index), IX006 (too many shards). IN001: only a pickle checkpoint is there. MD010: no weights at
// all.
std::unique_ptr<TensorSource> make_hf_source(const std::string& folder);

// Throws IN001 naming the file where the folder holds a PyTorch checkpoint (*.bin, *.pt, *.pth, *.ckpt).
void refuse_pickle_weights(const std::string& folder);

}  // namespace hone::formats
