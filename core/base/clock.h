#pragma once
// Time as a value that can be passed in, so that tests own it.
#include <functional>
#include <string>

namespace hone {

using Clock = std::function<double()>;  // seconds
Clock steady_clock();                   // only differences mean something
Clock unix_clock();                     // since 1970

std::string local_timestamp();  // 2025-01-31T12:00:00, local time
std::string run_stamp();        // 20250131-120000, for names of run folders

}  // namespace hone
