#pragma once
// How much memory a model takes on one rank, by part, before anything is loaded.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/formats/tensor_source.h"
#include "core/model/builder.h"
#include "core/model/segments.h"

namespace hone::model {

struct MemoryEstimate {
  std::int64_t frozen = 0;  // weights that are not trained
  std::int64_t master = 0;  // masters and compute views of what is trained
  std::int64_t gradients = 0;
  std::int64_t optimizer = 0;  // its state
  std::int64_t gathered = 0;   // other ranks' shards while they are needed: weights, gradients on their way
  std::int64_t total() const { return frozen + master + gradients + optimizer + gathered; }
  std::string table() const;  // "frozen 76 MiB, master 19 MiB, ..."
};

// Bytes of optimizer state for what is trained, given its parameters, on a rank that owns so many of their
// elements.
using StateBytes = std::function<std::int64_t(const ArenaLayout& trained, std::int64_t owned)>;

// The arena that `spec` leads to, block by block; within a block parameters are in the order of their names.
ArenaLayout trained_layout(const formats::ModelFiles& files, const BuildSpec& spec);
std::vector<Segment> segments_of(const formats::ModelFiles& files, const BuildSpec& spec);

MemoryEstimate estimate_memory(const formats::ModelFiles& files, const BuildSpec& spec,
                               const StateBytes& state_bytes, const ZeroPlan& sharding = {});

// May so many threads each take sequences of their own through the model (strands.h)? Where `spec` allows it, on a CPU
// with whole weights, if the gradients that strands keep take at most an eighth of what the weights do.
bool strands_fit(const formats::ModelFiles& files, const BuildSpec& spec, std::int64_t threads);

// What the device still has, in bytes: on a CPU this machine (and this process's control group).
std::int64_t available_memory(at::Device device = at::kCPU);

// The exception being handled, passed on; out of memory becomes Error(Exit::memory, "OM001") with what the
// model takes by part and what to lower.
[[noreturn]] void rethrow_with_memory(const MemoryEstimate& estimate, at::Device device);

// Throws Error(Exit::memory, "MM001") with the table where the model will not fit.
void require_memory(const formats::ModelFiles& files, const BuildSpec& spec, const StateBytes& state_bytes,
                    std::int64_t available);

}  // namespace hone::model
