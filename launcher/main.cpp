#include <cstdio>
#include <exception>

#include "core/base/error.h"

int main() {
  try {
    throw hone::Error(hone::Exit::usage, "CL001", "no command", "", "nothing is built in yet");
  } catch (const hone::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.exit());
  }
}
