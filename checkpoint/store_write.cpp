#include <algorithm>

#include "checkpoint/checkpoint.h"
#include "checkpoint/digest.h"
#include "checkpoint/shard_file.h"
#include "checkpoint/shard_values.h"
#include "core/base/error.h"
#include "core/base/file_system.h"

namespace hone::checkpoint {
namespace {

const FlatTensor& find_tensor(const CheckpointState& state, const std::string& name) {
  return *std::find_if(state.tensors.begin(), state.tensors.end(),
                       [&](const FlatTensor& tensor) { return tensor.name == name; });
}

std::vector<std::string> tensor_names(const CheckpointState& state) {
  std::vector<std::string> names;
  for (const FlatTensor& tensor : state.tensors) {
    HONE_CHECK(is_tensor_name(tensor.name));
    HONE_CHECK(std::find(names.begin(), names.end(), tensor.name) == names.end());
    names.push_back(tensor.name);
  }
  return names;
}

std::vector<ImageDataset> datasets_of(const CheckpointState& state, const ShardValues& values,
                                      const std::vector<FilePart>& parts) {
  std::vector<ImageDataset> datasets;
  for (const FilePart& part : parts) {
    ImageDataset& dataset = datasets.emplace_back(ImageDataset{part.tensor, {}});
    for (const Range& range : part.ranges)
      dataset.segments.push_back(values.of(find_tensor(state, part.tensor), range));
  }
  return datasets;
}

// In pieces, so that a kill or a full disk in the middle of a file is a case like any other.
void write_image(const std::string& path, std::span<const std::byte> image) {
  constexpr std::size_t kPiece = std::size_t{4} << 20;
  AtomicFileWriter writer(path);
  for (std::size_t begin = 0; begin < image.size(); begin += kPiece)
    writer.write(image.subspan(begin, std::min(kPiece, image.size() - begin)));
  writer.commit();
}

}  // namespace

std::string CheckpointStore::write(const CheckpointState& state) const {
  const std::int64_t limit = (options_.max_file_bytes - kImageOverhead) / std::int64_t{sizeof(float)};
  const auto shards =
      shards_of(*state.layout, communicator_.rank(), communicator_.world_size(), state.granule);
  const ShardValues values(*state.layout, shards);
  const std::string folder = folder_.temporary_of(state.step);
  std::vector<FileEntry> files;
  for (auto& parts : plan_files(tensor_names(state), shards, limit)) {
    FileEntry file{shard_file_name(communicator_.rank(), static_cast<int>(files.size())), 0, "",
                   std::move(parts)};
    const ShardImage image(datasets_of(state, values, file.parts));
    file.size = std::ssize(image.bytes());
    file.digest = xxh3_hex(image.bytes());
    write_image(folder + "/" + file.name, image.bytes());
    files.push_back(std::move(file));
  }
  return file_entries_text(files);
}

}  // namespace hone::checkpoint
