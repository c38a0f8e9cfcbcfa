#include "checkpoint/file_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "core/base/error.h"

namespace hone::checkpoint {

std::int64_t FilePart::elements() const {
  std::int64_t count = 0;
  for (const Range& range : ranges) count += range.length();
  return count;
}

std::vector<std::vector<FilePart>> plan_files(const std::vector<std::string>& tensors,
                                              const std::vector<Range>& shards, std::int64_t limit) {
  HONE_CHECK(limit > 0);
  std::vector<std::vector<FilePart>> files;
  std::int64_t room = 0;
  for (const std::string& tensor : tensors) {
    for (Range rest : shards) {
      while (!rest.empty()) {
        if (room == 0) {
          files.emplace_back();
          room = limit;
        }
        std::vector<FilePart>& file = files.back();
        if (file.empty() || file.back().tensor != tensor) file.push_back({tensor, {}});
        const std::int64_t taken = std::min(room, rest.length());
        file.back().ranges.push_back({rest.begin, rest.begin + taken});
        rest.begin += taken;
        room -= taken;
      }
    }
  }
  return files;
}

std::string shard_file_name(int rank, int index) {
  return fmt::format("rank-{:05}-{:05}.h5", rank, index);
}

bool is_shard_file_name(const std::string& name) {
  int rank = -1, index = -1;
  return std::sscanf(name.c_str(), "rank-%d-%d.h5", &rank, &index) == 2 && rank >= 0 && index >= 0 &&
         shard_file_name(rank, index) == name;
}

}  // namespace hone::checkpoint
