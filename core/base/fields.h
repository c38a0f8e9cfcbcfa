#pragma once
// One field list per config struct. A struct of options declares
//     static constexpr const char* kSection = "adapter";
//     template <class Visitor> void fields(Visitor&& visit) { visit("rank", rank, {.help = "...", .min = 1}); }
// and everything else (command-line options, --help, config files, --print-config, validation, docs, the
// manifest of a checkpoint) is a visitor over it. Field types: bool, std::int64_t, double, std::string,
// std::vector<std::string>, and std::optional of the numbers ("auto" or empty: not given).
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace hone {

struct FieldInfo {
  const char* help = "";
  const char* unit = "";
  std::vector<std::string> choices = {};  // allowed values, empty: free
  std::vector<std::string> only = {};     // of the section's `name`, where it counts; empty: everywhere
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool may_change_on_resume = false;
};

}  // namespace hone
