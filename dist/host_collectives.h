#pragma once
// All ranks' halves of one collective done at once, where one thread can reach every buffer.
#include <span>
#include <string>

#include "dist/collective.h"

namespace hone::dist {

// Empty if the ranks' calls belong together, else what differs: "rank 2 calls barrier, rank 0 all_reduce
// ...".
std::string disagreement(std::span<const Collective> of_rank);

// Precondition: no disagreement.
void perform(std::span<const Collective> of_rank);

}  // namespace hone::dist
