#include "core/formats/hf_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "core/base/file_system.h"

namespace hone::formats {

ModelWriter::ModelWriter(std::string folder, std::vector<TensorInfo> tensors, std::uint64_t shard_bytes)
    : folder_(std::move(folder)) {
  shards_.emplace_back();
  for (TensorInfo& tensor : tensors) {
    const auto size = static_cast<std::uint64_t>(byte_size(tensor.dtype, element_count(tensor.shape)));
    if (!shards_.back().tensors.empty() && shards_.back().bytes + size > shard_bytes) shards_.emplace_back();
    shards_.back().bytes += size;
    shards_.back().tensors.push_back(std::move(tensor));
  }
  for (std::size_t i = 0; i < shards_.size(); ++i)
    shards_[i].name = shards_.size() == 1
                          ? "model.safetensors"
                          : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards_.size());
  make_directories(folder_);
  open_next();
}

void ModelWriter::open_next() {
  const Shard& shard = shards_[next_++];
  room_ = shard.bytes;
  writer_ = std::make_unique<SafetensorsWriter>(folder_ + "/" + shard.name, shard.tensors);
}

void ModelWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (room_ == 0) {
      HONE_CHECK(next_ < shards_.size());
      writer_->finish();
      open_next();
    }
    const auto part = bytes.first(std::min<std::uint64_t>(room_, bytes.size()));
    writer_->write(part);
    room_ -= part.size();
    bytes = bytes.subspan(part.size());
  }
}

void ModelWriter::finish() {
  HONE_CHECK(room_ == 0);
  writer_->finish();
  while (next_ < shards_.size()) {  // shards of empty tensors only
    open_next();
    writer_->finish();
  }
  if (shards_.size() > 1) write_index();
}

void ModelWriter::write_index() const {
  OrderedJson map = OrderedJson::object();
  std::uint64_t total = 0;
  std::vector<std::pair<std::string, std::string>> places;
  for (const Shard& shard : shards_) {
    total += shard.bytes;
    for (const TensorInfo& tensor : shard.tensors) places.emplace_back(tensor.name, shard.name);
  }
  std::sort(places.begin(), places.end());
  for (const auto& [tensor, shard] : places) map[tensor] = shard;
  OrderedJson index;
  index["metadata"] = {{"total_size", total}};
  index["weight_map"] = std::move(map);
  write_file_atomic(folder_ + "/model.safetensors.index.json", std::string_view(index.dump(2) + "\n"));
}

}  // namespace hone::formats
