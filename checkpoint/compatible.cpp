#include "checkpoint/compatible.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "core/base/error.h"

namespace hone::checkpoint {
namespace {

std::string value_of(const FlatMap& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? "not set" : "\"" + found->second + "\"";
}

std::vector<std::string> changed_keys(const FlatMap& a, const FlatMap& b) {
  std::set<std::string> keys;
  for (const auto& [key, value] : a) keys.insert(key);
  for (const auto& [key, value] : b) keys.insert(key);
  std::vector<std::string> changed;
  for (const std::string& key : keys)
    if (value_of(a, key) != value_of(b, key)) changed.push_back(key);
  return changed;
}

// "was "1", now "2"; also train.seed, ..."
std::string describe(const FlatMap& saved, const FlatMap& current, const std::vector<std::string>& changed) {
  std::string text = fmt::format("the checkpoint has {}, now {}", value_of(saved, changed[0]),
                                 value_of(current, changed[0]));
  if (changed.size() > 1)
    text += fmt::format(" (also changed: {})", fmt::join(changed.begin() + 1, changed.end(), ", "));
  return text;
}

std::string shape_text(const ParameterSlice& parameter) {
  return fmt::format("{} [{}]", parameter.name, fmt::join(parameter.shape, ", "));
}

}  // namespace

void require_same_config(const FlatMap& saved, const FlatMap& effective,
                         const std::set<std::string>& may_change, const std::string& checkpoint) {
  std::vector<std::string> changed = changed_keys(saved, effective);
  std::erase_if(changed, [&](const std::string& key) { return may_change.contains(key); });
  if (changed.empty()) return;
  throw Error(Exit::usage, "CK010", "setting may not change on resume", changed[0],
              describe(saved, effective, changed),
              "give the old value, or start anew in another run.dir (checkpoint " + checkpoint + ")");
}

void require_same_inputs(const FlatMap& saved, const FlatMap& current, const std::string& checkpoint) {
  const std::vector<std::string> changed = changed_keys(saved, current);
  if (changed.empty()) return;
  throw Error(Exit::checkpoint, "CK011", "checkpoint was made with another " + changed[0], checkpoint,
              describe(saved, current, changed), "give the same files, or start anew in another run.dir");
}

void require_same_layout(const ArenaLayout& saved, const ArenaLayout& current,
                         const std::string& checkpoint) {
  const auto refuse = [&](const std::string& why) {
    throw Error(Exit::checkpoint, "CK009", "checkpoint is of another model", checkpoint, why);
  };
  const std::size_t common = std::min(saved.parameters.size(), current.parameters.size());
  for (std::size_t i = 0; i < common; ++i) {
    const ParameterSlice &old = saved.parameters[i], &now = current.parameters[i];
    if (old.name != now.name || old.shape != now.shape)
      refuse(fmt::format("it has {}, the run has {}", shape_text(old), shape_text(now)));
    if (old.range != now.range) refuse(old.name + " lies elsewhere in the arena");
  }
  if (saved.parameters.size() != current.parameters.size())
    refuse(fmt::format("it has {} trainable tensors, the run has {}", saved.parameters.size(),
                       current.parameters.size()));
  if (saved.size != current.size)
    refuse(fmt::format("arena of {}, the run's is {}", saved.size, current.size));
}

}  // namespace hone::checkpoint
