#include <algorithm>
#include <list>

#include "checkpoint/checkpoint.h"
#include "checkpoint/digest.h"
#include "checkpoint/shard_file.h"
#include "checkpoint/shard_values.h"
#include "core/base/error.h"
#include "core/base/fault_point.h"
#include "core/base/file_system.h"

namespace hone::checkpoint {
namespace {

// What this rank stores of every tensor, in the state's order.
std::vector<PlannedTensor> plan_tensors(const CheckpointState& state, const ShardOwner& owner) {
  std::vector<PlannedTensor> plan;
  for (const HeldTensor& tensor : state.tensors) {
    const std::string& name = tensor.spec.name;
    HONE_CHECK(is_tensor_name(name));
    HONE_CHECK(
        std::none_of(plan.begin(), plan.end(), [&](const PlannedTensor& p) { return p.name == name; }));
    plan.push_back({name, size_of(tensor.spec.type), value_ranges(tensor.spec, *state.layout, owner)});
  }
  return plan;
}

std::vector<ImageDataset> datasets_of(const CheckpointState& state, const std::vector<PlannedTensor>& plan,
                                      const std::vector<FilePart>& parts) {
  std::vector<ImageDataset> datasets;
  for (const FilePart& part : parts) {
    const auto planned = std::find_if(
        plan.begin(), plan.end(), [&](const PlannedTensor& tensor) { return tensor.name == part.tensor; });
    const HeldTensor& tensor = state.tensors[static_cast<std::size_t>(planned - plan.begin())];
    ImageDataset& dataset = datasets.emplace_back(ImageDataset{part.tensor, tensor.spec.type, {}});
    for (const Range& range : part.ranges)
      dataset.segments.push_back(bytes_of(tensor, planned->ranges, range));
  }
  return datasets;
}

// Files on their way to the disk, which is kept busy while the next image is built: a file is made durable when some
// more have been written.
class FilesUnderWay {
 public:
  // In pieces, so that a kill or a full disk in the middle of a file is a case like any other.
  void write(const std::string& path, std::span<const std::byte> image) {
    const std::size_t piece = std::min(std::size_t{4} << 20, image.size() / 2 + 1);
    AtomicFileWriter& writer = writers_.emplace_back(path);
    for (std::size_t begin = 0; begin < image.size(); begin += piece) {
      writer.write(image.subspan(begin, std::min(piece, image.size() - begin)));
      writer.begin_writeback();
    }
    if (writers_.size() > kMost) commit_oldest();
  }
  void commit() {
    while (!writers_.empty()) commit_oldest();
  }

 private:
  static constexpr std::size_t kMost = 4;
  void commit_oldest() {
    writers_.front().commit();
    writers_.pop_front();
  }
  std::list<AtomicFileWriter> writers_;
};

}  // namespace

ShardOwner CheckpointStore::owner(const CheckpointState& state) const {
  const int ranks = state.shard_ranks > 0 ? state.shard_ranks : communicator_.world_size();
  return {communicator_.rank() % ranks, ranks, state.granule};
}

bool CheckpointStore::stores_nothing(const CheckpointState& state) const {
  return communicator_.rank() >= owner(state).world_size;
}

std::string CheckpointStore::write(const CheckpointState& state) const {
  if (stores_nothing(state)) return file_entries_text({});
  const ShardOwner mine = owner(state);
  const auto plan = plan_tensors(state, mine);
  const std::string folder = folder_.temporary_of(state.step);
  std::vector<FileEntry> files;
  FilesUnderWay under_way;
  for (auto& parts : plan_files(plan, options_.max_file_bytes - kImageOverhead)) {
    FileEntry file{shard_file_name(mine.rank, static_cast<int>(files.size())), 0, "", std::move(parts)};
    const ShardImage image(datasets_of(state, plan, file.parts));
    fault_point("save.image");
    file.size = std::ssize(image.bytes());
    file.digest = xxh3_hex(image.bytes());
    under_way.write(folder + "/" + file.name, image.bytes());
    files.push_back(std::move(file));
  }
  under_way.commit();
  fault_point("save.written");
  return file_entries_text(files);
}

}  // namespace hone::checkpoint
