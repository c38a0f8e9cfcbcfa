#pragma once
// What this program is.
#include <cstdint>
#include <string>

namespace hone::launcher {

std::string version_text();      // hone --version: this build, and the libraries it runs with
std::uint64_t program_digest();  // of the program's own file

}  // namespace hone::launcher
