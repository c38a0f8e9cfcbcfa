#include "tests/dist/fake_nccl.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "dist/host_collectives.h"
#include "tests/dist/fake_world.h"

namespace hone::test {
namespace fake {

using namespace dist;

std::unique_ptr<World> world;

namespace {

constexpr int kRemoteError = 6, kInvalidArgument = 4;

// Collectives whose ranks are all there, and their streams ready.
void advance(Group& group) {
  while (!group.meetings.empty() && !group.aborted) {
    auto& entries = group.meetings.begin()->second;
    if (entries.size() < group.devices.size()) return;
    std::vector<Collective> of_rank;
    for (const auto& [rank, entry] : entries) {
      if (!reached(entry.after)) return;
      of_rank.push_back(entry.collective);
    }
    if (const std::string differs = disagreement(of_rank); !differs.empty()) world->misuse.push_back(differs);
    perform(of_rank);
    for (const auto& [rank, entry] : entries) finish(*entry.step);
    group.meetings.erase(group.meetings.begin());
  }
}

Comm* alive(NcclComm handle, const char* call) {
  auto* comm = static_cast<Comm*>(handle);
  if (!comm || comm->gone) {
    world->misuse.push_back(std::string(call) + " of a communicator that is gone");
    return nullptr;
  }
  if (comm->device != current_device)
    world->misuse.push_back(std::string(call) + " with another device current");
  return comm;
}

int get_version(int* version) {
  *version = kNcclVersion;
  return kNcclSuccess;
}

int get_unique_id(NcclUniqueId* id) {
  const std::lock_guard lock(world->mutex);
  if (const auto code = planned("GetUniqueId")) return *code;
  std::snprintf(id->internal, sizeof id->internal, "id %d", world->ids++);
  return kNcclSuccess;
}

Comm* add_comm(std::shared_ptr<Group> group, int rank) {
  auto comm = std::make_unique<Comm>();
  comm->group = std::move(group);
  comm->rank = rank;
  comm->device = comm->group->devices[static_cast<std::size_t>(rank)] = current_device;
  world->comms.push_back(std::move(comm));
  return world->comms.back().get();
}

int init_rank(NcclComm* comm, int ranks, NcclUniqueId id, int rank, NcclConfig* config) {
  const std::lock_guard lock(world->mutex);
  if (config->blocking != 0) world->misuse.push_back("a blocking communicator");
  if (const auto code = planned("CommInitRankConfig")) return *code;
  auto& group = world->by_id[id.internal];
  if (!group)
    group = std::make_shared<Group>(Group{std::vector<int>(static_cast<std::size_t>(ranks), -1), {}, {}, {}});
  *comm = add_comm(group, rank);
  return kNcclInProgress;
}

int split(NcclComm handle, int color, int key, NcclComm* part, NcclConfig*) {
  const std::lock_guard lock(world->mutex);
  Comm* comm = alive(handle, "CommSplit");
  if (!comm) return kInvalidArgument;
  comm->group->splits[comm->splits][comm->rank] = {color, key};
  comm->split_into = part;
  *part = nullptr;
  return kNcclSuccess;
}

// True when all came; then the part is there.
bool split_done(Comm& comm) {
  const auto& asked = comm.group->splits[comm.splits];
  if (asked.size() < comm.group->devices.size()) return false;
  const auto [color, key] = asked.at(comm.rank);
  int rank = 0, ranks = 0;
  for (const auto& [other, wish] : asked) {
    if (wish.first != color) continue;
    ++ranks;
    if (wish.second < key) ++rank;
  }
  auto& group = comm.group->parts[{comm.splits++, color}];
  if (!group)
    group = std::make_shared<Group>(Group{std::vector<int>(static_cast<std::size_t>(ranks), -1), {}, {}, {}});
  *std::exchange(comm.split_into, nullptr) = add_comm(group, rank);
  return true;
}

int get_async_error(NcclComm handle, int* state) {
  const std::lock_guard lock(world->mutex);
  Comm* comm = alive(handle, "CommGetAsyncError");
  if (!comm) return kInvalidArgument;
  const auto& devices = comm->group->devices;
  const bool opening = std::count(devices.begin(), devices.end(), -1) > 0;
  const bool busy =
      opening || (comm->split_into && !split_done(*comm)) || (comm->polls > 0 && comm->polls-- > 0);
  *state = world->broken.contains(comm->rank) ? kRemoteError : busy ? kNcclInProgress : kNcclSuccess;
  return kNcclSuccess;
}

int finalize(NcclComm handle) {
  const std::lock_guard lock(world->mutex);
  Comm* comm = alive(handle, "CommFinalize");
  if (!comm) return kInvalidArgument;
  if (!reached(comm->steps)) world->misuse.push_back("CommFinalize while a collective is under way");
  comm->polls = 1;
  return kNcclInProgress;
}

int destroy(NcclComm handle) {
  const std::lock_guard lock(world->mutex);
  Comm* comm = alive(handle, "CommDestroy");
  if (!comm) return kInvalidArgument;
  comm->gone = true;
  ++world->destroyed;
  return kNcclSuccess;
}

// Kernels that wait for peers end, and what they were to do is not done.
int abort(NcclComm handle) {
  const std::lock_guard lock(world->mutex);
  auto* comm = static_cast<Comm*>(handle);
  if (comm->gone) world->misuse.push_back("CommAbort of a communicator that is gone");
  comm->gone = comm->group->aborted = true;
  for (const StepPtr& step : comm->steps)
    if (!step->done) finish(*step);
  ++world->aborted;
  return kNcclSuccess;
}

CommType type_of(int type) {
  const std::map<int, CommType> types = {{7, CommType::f32}, {8, CommType::f64}, {9, CommType::bf16},
                                         {6, CommType::f16}, {2, CommType::i32}, {4, CommType::i64},
                                         {1, CommType::u8}};
  return types.at(type);
}

ReduceOp op_of(int op) { return op == 0 ? ReduceOp::sum : op == 2 ? ReduceOp::max : ReduceOp::min; }

int enter(const char* call, NcclComm handle, CudaStream stream_handle, const Collective& collective) {
  const std::lock_guard lock(world->mutex);
  Comm* comm = alive(handle, call);
  if (!comm) return kInvalidArgument;
  if (const auto code = planned(call)) return *code;
  auto& stream = *static_cast<Stream*>(stream_handle);
  const auto step = std::make_shared<Step>();
  comm->steps.push_back(step);
  comm->group->meetings[comm->next++].emplace(comm->rank, Entry{collective, stream.point, step});
  stream.point = {step};
  comm->polls = 2;
  advance(*comm->group);
  return kNcclInProgress;
}

CommBuffer buffer(const void* data, std::size_t count, int type) {
  return {const_cast<void*>(data), static_cast<std::int64_t>(count), type_of(type)};
}

std::size_t ranks_of(NcclComm comm) { return static_cast<Comm*>(comm)->group->devices.size(); }

int all_reduce(const void* in, void* out, std::size_t count, int type, int op, NcclComm comm,
               CudaStream stream) {
  return enter("AllReduce", comm, stream,
               {CollectiveKind::all_reduce, buffer(in, count, type), buffer(out, count, type), op_of(op), 0});
}

int reduce_scatter(const void* in, void* out, std::size_t count, int type, int op, NcclComm comm,
                   CudaStream stream) {
  return enter("ReduceScatter", comm, stream,
               {CollectiveKind::reduce_scatter, buffer(in, count * ranks_of(comm), type),
                buffer(out, count, type), op_of(op), 0});
}

int all_gather(const void* in, void* out, std::size_t count, int type, NcclComm comm, CudaStream stream) {
  return enter("AllGather", comm, stream,
               {CollectiveKind::all_gather, buffer(in, count, type),
                buffer(out, count * ranks_of(comm), type), ReduceOp::sum, 0});
}

int broadcast(const void* in, void* out, std::size_t count, int type, int root, NcclComm comm,
              CudaStream stream) {
  return enter(
      "Broadcast", comm, stream,
      {CollectiveKind::broadcast, buffer(in, count, type), buffer(out, count, type), ReduceOp::sum, root});
}

int all_to_all(const void* in, void* out, std::size_t count, int type, NcclComm comm, CudaStream stream) {
  const std::size_t all = count * ranks_of(comm);
  return enter("AlltoAll", comm, stream,
               {CollectiveKind::all_to_all, buffer(in, all, type), buffer(out, all, type), ReduceOp::sum, 0});
}

const char* nccl_text(int code) {
  return code == kRemoteError ? "remote process exited or there was a network error" : "an NCCL error";
}

const char* last_error(NcclComm) { return "as the test wished"; }

}  // namespace

void advance_all() {
  for (const auto& comm : world->comms)
    if (!comm->gone) advance(*comm->group);
}

std::optional<int> planned(const std::string& call) {
  const auto found = world->failing.find(call);
  if (found == world->failing.end()) return {};
  const int code = found->second;
  world->failing.erase(found);
  return code;
}

NcclApi nccl_api() {
  return {get_version, get_unique_id,  init_rank,  split,     get_async_error, finalize,  destroy,   abort,
          all_reduce,  reduce_scatter, all_gather, broadcast, all_to_all,      nccl_text, last_error};
}

}  // namespace fake

using namespace fake;

FakeNccl::FakeNccl() { world = std::make_unique<World>(); }

FakeNccl::~FakeNccl() {
  for (const std::string& each : world->misuse) ADD_FAILURE() << each;
  for (Event* event : world->events) delete event;
  world.reset();
}

const dist::NcclLibraries& FakeNccl::libraries() {
  static const dist::NcclLibraries libraries{nccl_api(), cuda_api()};
  return libraries;
}

void FakeNccl::break_link(int rank) {
  const std::lock_guard lock(world->mutex);
  world->broken.insert(rank);
}

void FakeNccl::fail_next(const std::string& call, int code) {
  const std::lock_guard lock(world->mutex);
  world->failing[call] = code;
}

int FakeNccl::aborted() const {
  const std::lock_guard lock(world->mutex);
  return world->aborted;
}

int FakeNccl::destroyed() const {
  const std::lock_guard lock(world->mutex);
  return world->destroyed;
}

int FakeNccl::open_events() const {
  const std::lock_guard lock(world->mutex);
  return static_cast<int>(world->events.size());
}

}  // namespace hone::test
