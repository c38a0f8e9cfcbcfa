#pragma once
// Which ranks of a communicator form a group together: the first half of every backend's split().
#include <vector>

#include "core/ports/communicator.h"

namespace hone::dist {

struct Group {
  std::vector<int> members;  // ranks of the parent, ascending
  int rank = 0;              // this rank's place among them
};

// A collective of `parent`. A negative `group` is Error(Exit::internal, "MP008").
Group agree_on_group(Communicator& parent, int group);

}  // namespace hone::dist
