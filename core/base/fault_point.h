#pragma once
// Named places where a run can be made to die or to hang, for tests of what is then left behind. They are in
// every build, so that what is tested is what is used; one that is not armed costs a relaxed load.
//
//   HONE_FAIL_AT=POINT[@TEXT][:RANK[:PASS[:ACTION]]]
//
// RANK (a number, or all: the default) does ACTION (kill: SIGKILL, the default; stop: SIGSTOP) to itself when
// it comes through POINT for the PASS-th (1st) time. With TEXT only passes count whose path holds it; only
// file.* have paths.
#include <array>
#include <atomic>
#include <cstddef>
#include <string_view>

namespace hone {

inline constexpr std::array kFaultPoints = std::to_array<std::string_view>({
    "start",           // the command line is not yet looked at
    "start.folder",    // run.dir is open
    "start.data",      // the rows are prepared
    "start.model",     // model, optimizer and reduction are there
    "step.data",       // before the wait for the step's data
    "step.forward",    // before the first forward
    "step.reduce",     // backward is done, gradients are on their way
    "step.optimizer",  // before the update
    "step.done",       // after it, before the metrics row
    "evaluate",        // before an evaluation
    "save.begin",      // before a checkpoint's temporary folder
    "save.folder",     // after it
    "save.image",      // a file's content is built
    "save.written",    // this rank's files are written
    "save.publish",    // the manifest is written, the folder has not yet its name
    "save.published",  // it has
    "save.retain",     // before an old checkpoint is taken out of sight
    "save.remove",     // before its files are removed
    "close",           // all is written
    "file.write",      // before a piece of any file that appears whole
    "file.fsync",      // before it is made durable
    "file.rename",     // before it, or a folder, gets its name
});

// A name of the list; another one does not compile.
class FaultPoint {
 public:
  consteval FaultPoint(const char* name) {
    while (kFaultPoints.at(index_) != name) ++index_;
  }
  std::size_t index() const { return index_; }

 private:
  std::size_t index_ = 0;
};

// Error(Exit::usage, "US060") where the setting is none, naming what it may be. Once, before other threads
// are made.
void arm_fault_point(std::string_view setting, int rank);

namespace detail {
extern std::atomic<bool> fault_point_armed;
void pass_fault_point(FaultPoint point, std::string_view path);
}  // namespace detail

inline void fault_point(FaultPoint point, std::string_view path = {}) {
  if (detail::fault_point_armed.load(std::memory_order_relaxed)) detail::pass_fault_point(point, path);
}

}  // namespace hone
