#pragma once
#include <string>

namespace hone::launcher {

std::string version_text();  // hone --version: this build, and the libraries it runs with

}  // namespace hone::launcher
