#include "checkpoint/folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/base/fault_point.h"
#include "core/base/file_system.h"

namespace hone::checkpoint {
namespace {

constexpr const char* kReplaced = ".old.tmp";
constexpr const char* kRemoved = ".gone.tmp";

}  // namespace

std::string step_folder_name(std::int64_t step) { return fmt::format("step-{:08}", step); }

std::int64_t step_of(const std::string& folder_name) {
  constexpr std::string_view kPrefix = "step-";
  if (!folder_name.starts_with(kPrefix)) return -1;
  std::int64_t step = -1;
  const char* end = folder_name.data() + folder_name.size();
  const auto [stop, error] = std::from_chars(folder_name.data() + kPrefix.size(), end, step);
  return error == std::errc() && stop == end && step >= 0 && step_folder_name(step) == folder_name ? step
                                                                                                   : -1;
}

std::vector<std::int64_t> CheckpointFolder::steps() const {
  std::vector<std::int64_t> found;
  if (!is_directory(path_)) return found;
  for (const std::string& name : list_directory(path_))
    if (const std::int64_t step = step_of(name); step >= 0) found.push_back(step);
  std::sort(found.begin(), found.end());
  return found;
}

void CheckpointFolder::clean() const {
  if (!is_directory(path_)) return;
  for (const std::string& name : list_directory(path_)) {
    const std::string path = path_ + "/" + name;
    const std::string original = name.substr(0, name.find('.'));
    if (!name.ends_with(".tmp") || step_of(original) < 0) continue;
    if (name == original + kReplaced && !path_exists(path_ + "/" + original))
      rename_durable(path, path_ + "/" + original);
    else
      remove_all(path);
  }
}

void CheckpointFolder::begin(std::int64_t step) const {
  if (!is_directory(path_)) {
    make_directories(path_);
    sync_directory(path_ + "/..");
  }
  remove_all(temporary_of(step));
  make_directories(temporary_of(step));
}

void CheckpointFolder::publish(std::int64_t step) const {
  const std::string final_path = path_of(step), replaced = final_path + kReplaced;
  const bool replaces = path_exists(final_path);
  if (replaces) {
    remove_all(replaced);
    rename_durable(final_path, replaced);
  }
  fault_point("save.publish");
  rename_durable(temporary_of(step), final_path);
  fault_point("save.published");
  if (replaces) remove_all(replaced);
}

void CheckpointFolder::remove(std::int64_t step) const {
  const std::string removed = path_of(step) + kRemoved;
  remove_all(removed);
  fault_point("save.retain");
  rename_durable(path_of(step), removed);
  fault_point("save.remove");
  remove_all(removed);
}

std::vector<std::int64_t> to_remove(const std::vector<std::int64_t>& steps, std::int64_t newest,
                                    std::int64_t best, int keep) {
  std::vector<std::int64_t> sorted = steps, removed;
  std::sort(sorted.rbegin(), sorted.rend());
  int kept = 0;
  for (const std::int64_t step : sorted) {
    const bool recent = step <= newest && kept < std::max(keep, 1);
    if (recent) ++kept;
    if (!recent && (step != best || step > newest)) removed.push_back(step);
  }
  return removed;
}

}  // namespace hone::checkpoint
