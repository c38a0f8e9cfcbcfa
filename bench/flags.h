#pragma once
// The command line of a benchmark: --key value pairs.
#include <functional>
#include <map>
#include <string>

#include "core/base/error.h"

namespace hone::bench {

using Flags = std::map<std::string, std::function<void(const std::string& value)>>;

// Hands every value to its key's function; anything else is Error BN002.
inline void read_flags(int argc, char** argv, const Flags& flags) {
  for (int i = 1; i < argc; i += 2) {
    const auto found = flags.find(argv[i]);
    if (found == flags.end() || i + 1 == argc)
      throw Error(Exit::usage, "BN002", "not understood", argv[0], argv[i],
                  "the head of its source has the command line");
    found->second(argv[i + 1]);
  }
}

}  // namespace hone::bench
