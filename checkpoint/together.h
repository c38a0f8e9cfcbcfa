#pragma once
// A step that every rank takes and that holds only if it holds everywhere.
#include <functional>
#include <string>
#include <vector>

#include "core/ports/communicator.h"

namespace hone::checkpoint {

// Collective. Runs `local` on this rank and returns every rank's text, in rank order, to all. Where it threw
// on some rank, every rank throws the same Error instead: the exit code and reason of the lowest such rank,
// as `code`: `what`: `where`. What does not derive from std::exception passes through.
std::vector<std::string> together(Communicator& communicator, const std::function<std::string()>& local,
                                  const char* code, const char* what, const std::string& where);

}  // namespace hone::checkpoint
