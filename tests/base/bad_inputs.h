#pragma once
// scripts/fuzz.sh adds up how many bad inputs the tables of the tests hold.
#include <cstddef>
#include <cstdio>

namespace hone {

inline void print_bad_inputs(const char* of, std::size_t count) {
  std::printf("bad inputs: %-24s %4zu\n", of, count);
}

}  // namespace hone
