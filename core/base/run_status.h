#pragma once
// status.json of a run's folder: what a script or a person looks at from outside. Replaced atomically.
#include <cstdint>
#include <optional>
#include <string>

namespace hone {

struct RunStatus {
  std::string state = {};  // starting, training, evaluating, saving, done, stopped, failed
  std::int64_t step = 0;
  std::string message = {};           // a failure's error line
  std::optional<int> exit_code = {};  // once the run has ended
  std::int64_t best_step = 0;         // of the best evaluation so far, whose checkpoint is kept; 0: none
};

void write_status(const std::string& run_dir, const RunStatus& status);
RunStatus read_status(const std::string& run_dir);  // Error exit 3 where it is missing or not ours

}  // namespace hone
