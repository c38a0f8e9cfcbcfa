#include "checkpoint/file_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "core/base/error.h"

namespace hone::checkpoint {

std::vector<Range> value_ranges(const StateSpec& tensor, const ArenaLayout& layout, const ShardOwner& owner) {
  if (tensor.per == StateSpec::kWhole) {
    const Range mine = shard_of({0, tensor.count}, owner.rank, owner.world_size, 1);
    return mine.empty() ? std::vector<Range>{} : std::vector<Range>{mine};
  }
  HONE_CHECK(tensor.count * tensor.per == layout.size);
  std::vector<Range> ranges = shards_of(layout, owner.rank, owner.world_size, owner.granule);
  for (Range& range : ranges) {
    HONE_CHECK(range.begin % tensor.per == 0 && range.end % tensor.per == 0);
    range = {range.begin / tensor.per, range.end / tensor.per};
  }
  return ranges;
}

std::int64_t FilePart::values() const {
  std::int64_t count = 0;
  for (const Range& range : ranges) count += range.length();
  return count;
}

std::vector<std::vector<FilePart>> plan_files(const std::vector<PlannedTensor>& tensors, std::int64_t limit) {
  std::vector<std::vector<FilePart>> files;
  std::int64_t room = 0;
  for (const PlannedTensor& tensor : tensors) {
    HONE_CHECK(tensor.value_bytes > 0 && tensor.value_bytes <= limit);
    for (Range rest : tensor.ranges) {
      while (!rest.empty()) {
        if (room < tensor.value_bytes) {
          files.emplace_back();
          room = limit;
        }
        std::vector<FilePart>& file = files.back();
        if (file.empty() || file.back().tensor != tensor.name) file.push_back({tensor.name, {}});
        const std::int64_t taken = std::min(room / tensor.value_bytes, rest.length());
        file.back().ranges.push_back({rest.begin, rest.begin + taken});
        rest.begin += taken;
        room -= taken * tensor.value_bytes;
      }
    }
  }
  return files;
}

std::string shard_file_name(int rank, int index) { return fmt::format("rank-{:05}-{:05}.h5", rank, index); }

bool is_shard_file_name(const std::string& name) {
  int rank = -1, index = -1;
  return std::sscanf(name.c_str(), "rank-%d-%d.h5", &rank, &index) == 2 && rank >= 0 && index >= 0 &&
         shard_file_name(rank, index) == name;
}

}  // namespace hone::checkpoint
