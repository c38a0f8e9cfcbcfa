#pragma once
// What the fakes of NCCL and of the CUDA runtime share (fake_nccl.h).
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dist/collective.h"
#include "dist/nccl_api.h"

namespace hone::test::fake {

using Clock = std::chrono::steady_clock;

// Something on a stream.
struct Step {
  bool done = false;
  Clock::time_point at;
};
using StepPtr = std::shared_ptr<Step>;
using Point = std::vector<StepPtr>;  // a place on a stream: after all of these

struct Stream {
  Point point;
  std::vector<StepPtr> held;
  bool capturing = false;
};
struct Event {
  Point after;
  Clock::time_point recorded;
};

// One rank's half of a collective.
struct Entry {
  dist::Collective collective;
  Point after;
  StepPtr step;
};
struct Group {
  std::vector<int> devices;  // by rank; -1: did not come yet
  std::map<std::int64_t, std::map<int, Entry>> meetings;
  std::map<std::int64_t, std::map<int, std::pair<int, int>>> splits;  // by number: rank to color and key
  std::map<std::pair<std::int64_t, int>, std::shared_ptr<Group>> parts;
  bool aborted = false;
};
struct Comm {
  std::shared_ptr<Group> group;
  int rank = 0;
  int device = 0;
  std::int64_t next = 0, splits = 0;
  dist::NcclComm* split_into = nullptr;
  int polls = 0;  // until NCCL's own thread took what was asked
  bool gone = false;
  std::vector<StepPtr> steps;
};

struct World {
  std::mutex mutex;
  std::vector<std::unique_ptr<Stream>> streams;
  std::vector<std::unique_ptr<Comm>> comms;
  std::set<Event*> events;
  std::map<std::string, std::shared_ptr<Group>> by_id;
  std::vector<std::string> misuse;
  std::map<std::string, int> failing;
  std::set<int> broken;
  int ids = 0, aborted = 0, destroyed = 0;
};

// All below hold its mutex.
extern std::unique_ptr<World> world;
extern thread_local int current_device;

inline bool reached(const Point& point) {
  return std::all_of(point.begin(), point.end(), [](const StepPtr& step) { return step->done; });
}
inline void finish(Step& step) {
  step.done = true;
  step.at = Clock::now();
}
// Performs the collectives whose ranks are all there, and their streams ready.
void advance_all();
// What the test wants the next call of this name to return.
std::optional<int> planned(const std::string& call);

dist::NcclApi nccl_api();
dist::CudaApi cuda_api();

}  // namespace hone::test::fake
