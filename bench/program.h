#pragma once
// What benchmarks of a model share: a command line of --key value pairs, the process around the work, a clock.
#include <c10/core/InferenceMode.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include "core/base/error.h"
#include "core/base/failure.h"
#include "core/nn/tensor_pool.h"

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

// main: an error is one line and its exit code.
inline int run_program(const std::function<void()>& work) {
  nn::install_tensor_pool();
  const c10::InferenceMode inference;
  try {
    work();
    return 0;
  } catch (...) {
    const Error error = as_error(std::current_exception());
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.exit());
  }
}

inline double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace hone::bench
