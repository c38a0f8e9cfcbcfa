// Streams and events of the fake device.
#include <cstdio>

#include "tests/dist/fake_nccl.h"
#include "tests/dist/fake_world.h"

namespace hone::test {
namespace fake {

using namespace dist;

thread_local int current_device = 0;

namespace {

int device_count(int* count) {
  *count = 8;
  return kCudaSuccess;
}

int set_device(int device) {
  current_device = device;
  return kCudaSuccess;
}

int bus_id(char* id, int length, int device) {
  std::snprintf(id, static_cast<std::size_t>(length), "0000:0%d:00.0", device);
  return kCudaSuccess;
}

int create_stream(CudaStream* stream, unsigned int, int) {
  const std::lock_guard lock(world->mutex);
  *stream = world->streams.emplace_back(std::make_unique<Stream>()).get();
  return kCudaSuccess;
}

int destroy_stream(CudaStream) { return kCudaSuccess; }

int wait_event(CudaStream stream, CudaEvent event, unsigned int) {
  const std::lock_guard lock(world->mutex);
  auto& point = static_cast<Stream*>(stream)->point;
  for (const StepPtr& step : static_cast<Event*>(event)->after)
    if (!step->done) point.push_back(step);
  return kCudaSuccess;
}

int is_capturing(CudaStream stream, int* status) {
  const std::lock_guard lock(world->mutex);
  *status = static_cast<Stream*>(stream)->capturing ? 1 : 0;
  return kCudaSuccess;
}

int exchange_mode(int*) { return kCudaSuccess; }

int create_event(CudaEvent* event, unsigned int) {
  const std::lock_guard lock(world->mutex);
  *event = *world->events.insert(new Event).first;
  return kCudaSuccess;
}

int destroy_event(CudaEvent event) {
  const std::lock_guard lock(world->mutex);
  world->events.erase(static_cast<Event*>(event));
  delete static_cast<Event*>(event);
  return kCudaSuccess;
}

int record_event(CudaEvent event, CudaStream stream) {
  const std::lock_guard lock(world->mutex);
  if (const auto code = planned("EventRecord")) return *code;
  *static_cast<Event*>(event) = {static_cast<Stream*>(stream)->point, Clock::now()};
  return kCudaSuccess;
}

int query_event(CudaEvent event) {
  const std::lock_guard lock(world->mutex);
  advance_all();
  return reached(static_cast<Event*>(event)->after) ? kCudaSuccess : kCudaNotReady;
}

Clock::time_point passed_at(const Event& event) {
  Clock::time_point at = event.recorded;
  for (const StepPtr& step : event.after) at = std::max(at, step->at);
  return at;
}

int elapsed_time(float* ms, CudaEvent from, CudaEvent to) {
  const std::lock_guard lock(world->mutex);
  *ms = std::chrono::duration<float, std::milli>(passed_at(*static_cast<Event*>(to)) -
                                                 passed_at(*static_cast<Event*>(from)))
            .count();
  return kCudaSuccess;
}

const char* cuda_text(int) { return "a CUDA error"; }

}  // namespace

CudaApi cuda_api() {
  return {device_count, set_device,   bus_id,        create_stream, destroy_stream,
          wait_event,   is_capturing, exchange_mode, create_event,  destroy_event,
          record_event, query_event,  elapsed_time,  cuda_text};
}

}  // namespace fake

using namespace fake;

dist::CudaStream FakeNccl::stream() {
  dist::CudaStream stream = nullptr;
  create_stream(&stream, 0, 0);
  return stream;
}

void FakeNccl::hold(dist::CudaStream handle) {
  const std::lock_guard lock(world->mutex);
  auto& stream = *static_cast<Stream*>(handle);
  stream.point.push_back(stream.held.emplace_back(std::make_shared<Step>()));
}

void FakeNccl::release(dist::CudaStream handle) {
  const std::lock_guard lock(world->mutex);
  for (const StepPtr& step : static_cast<Stream*>(handle)->held) finish(*step);
  advance_all();
}

bool FakeNccl::idle(dist::CudaStream stream) {
  const std::lock_guard lock(world->mutex);
  advance_all();
  return reached(static_cast<Stream*>(stream)->point);
}

void FakeNccl::capture(dist::CudaStream stream, bool on) {
  const std::lock_guard lock(world->mutex);
  static_cast<Stream*>(stream)->capturing = on;
}

}  // namespace hone::test
