#pragma once
// The folder run.dir/checkpoints: which names mean what, and the moves between them. A checkpoint exists from
// the one rename that gives it its final name; everything unfinished or on its way out ends in ".tmp".
// Used by rank 0 only.
#include <cstdint>
#include <string>
#include <vector>

namespace hone::checkpoint {

std::string step_folder_name(std::int64_t step);       // "step-00000100"
std::int64_t step_of(const std::string& folder_name);  // -1: not such a name

class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::string path) : path_(std::move(path)) {}
  std::string path_of(std::int64_t step) const { return path_ + "/" + step_folder_name(step); }
  std::string temporary_of(std::int64_t step) const { return path_of(step) + ".tmp"; }

  std::vector<std::int64_t> steps() const;  // ascending
  // Removes what a killed run or a failed save left; puts back a checkpoint whose replacement did not arrive.
  void clean() const;
  void begin(std::int64_t step) const;    // an empty temporary folder
  void publish(std::int64_t step) const;  // temporary to final name, replacing one of the same step
  // A name that no reader takes for a checkpoint first, then the files: half-deleted never looks complete.
  void remove(std::int64_t step) const;

 private:
  std::string path_;
};

// What retention lets go after `newest` was saved: all but the last `keep` and `best`, and steps after
// `newest`, which belong to a future that was abandoned by resuming from an earlier checkpoint.
std::vector<std::int64_t> to_remove(const std::vector<std::int64_t>& steps, std::int64_t newest,
                                    std::int64_t best, int keep);

}  // namespace hone::checkpoint
