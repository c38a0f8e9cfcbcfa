#pragma once
// Time as a value that can be passed in, so that tests own it.
#include <functional>
#include <string>

namespace hone {

using Clock = std::function<double()>;  // seconds, only differences mean something
Clock steady_clock();

std::string local_timestamp();  // 2025-01-31T12:00:00, local time
std::string run_stamp();        // 20250131-120000, for names of run folders

}  // namespace hone
