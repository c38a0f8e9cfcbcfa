#include "dist/group.h"

namespace hone::dist {

Group agree_on_group(Communicator& parent, int group) {
  if (group < 0)
    throw Error(Exit::internal, "MP008", "wrong call of a collective", "split",
                "a group of " + std::to_string(group), "this is a bug in hone");
  std::int32_t own = group;
  std::vector<std::int32_t> of_rank(static_cast<std::size_t>(parent.world_size()));
  parent.all_gather({&own, 1, CommType::i32}, {of_rank.data(), parent.world_size(), CommType::i32})->wait();
  Group result;
  for (int rank = 0; rank < parent.world_size(); ++rank) {
    if (of_rank[static_cast<std::size_t>(rank)] != own) continue;
    if (rank == parent.rank()) result.rank = static_cast<int>(result.members.size());
    result.members.push_back(rank);
  }
  return result;
}

}  // namespace hone::dist
