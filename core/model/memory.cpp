#include "core/model/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "core/base/error.h"
#include "core/base/failure.h"
#include "core/device/device.h"

namespace hone::model {
namespace {

std::string module_of(const std::string& weight) { return weight.substr(0, weight.rfind(".weight")); }

std::int64_t mebibytes(std::int64_t bytes) { return (bytes + (1 << 20) - 1) >> 20; }

// A number in a file of the system, or `otherwise`.
std::int64_t number_in(const std::string& path, std::int64_t otherwise) {
  std::ifstream file(path);
  std::int64_t value = 0;
  return file >> value ? value : otherwise;
}

std::int64_t mem_available() {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  std::int64_t kibibytes = 0;
  while (file >> key >> kibibytes >> unit)
    if (key == "MemAvailable:") return kibibytes * 1024;
  return std::numeric_limits<std::int64_t>::max();
}

// The arena that `spec` leads to, as one block.
ArenaLayout trained_layout(const formats::ModelFiles& files, const BuildSpec& spec) {
  ArenaLayoutBuilder layout;
  layout.begin_block("all");
  for (const formats::TensorInfo& info : files.tensors->tensors()) {
    const std::string module = module_of(info.name);
    if (trains(spec, info.name)) {
      layout.add(info.name, info.shape, /*decay=*/true);
    } else if (spec.trained == Trained::adapter && formats::is_block_linear(info) &&
               adapter::is_target(spec.lora, module)) {
      layout.add(module + ".lora_A.weight", {spec.lora.rank, info.shape[1]}, /*decay=*/true);
      layout.add(module + ".lora_B.weight", {info.shape[0], spec.lora.rank}, /*decay=*/true);
    }
  }
  return layout.finish();
}

}  // namespace

std::string MemoryEstimate::table() const {
  return fmt::format("frozen weights {} MiB, trained weights {} MiB, gradients {} MiB, optimizer {} MiB",
                     mebibytes(frozen), mebibytes(master), mebibytes(gradients), mebibytes(optimizer));
}

MemoryEstimate estimate_memory(const formats::ModelFiles& files, const BuildSpec& spec,
                               const StateBytes& state_bytes) {
  MemoryEstimate estimate;
  const std::int64_t element = spec.compute == at::kFloat ? 4 : 2;
  for (const formats::TensorInfo& info : files.tensors->tensors()) {
    if (trains(spec, info.name)) continue;
    const std::int64_t n = c10::multiply_integers(info.shape);
    const bool nf4 = formats::is_block_linear(info) && (spec.nf4 || info.dtype == formats::DType::nf4);
    estimate.frozen += nf4 ? n / 2 + n / 64 * (spec.double_quant ? 1 : 4) : n * element;
  }
  const ArenaLayout trained = trained_layout(files, spec);
  const Sharding& sharding = spec.sharding;
  const std::int64_t owned = sharding.owned(trained).size(), master = spec.master == at::kFloat ? 4 : 2;
  if (sharding.shards_weights()) {
    estimate.frozen /= sharding.world_size();
    estimate.master = owned * master;
  } else if (spec.master == spec.compute) {
    estimate.master = trained.size * master;
  } else {
    estimate.master = owned * master + trained.size * element;
  }
  estimate.gradients = (sharding.shards_gradients() ? owned : trained.size) * 4;
  estimate.optimizer = state_bytes(trained);
  return estimate;
}

std::int64_t available_memory(at::Device device) {
  if (!device.is_cpu()) return device::memory_use(device).free;
  constexpr auto kNoLimit = std::numeric_limits<std::int64_t>::max();
  const std::int64_t limit = number_in("/sys/fs/cgroup/memory.max", kNoLimit);
  const std::int64_t used = number_in("/sys/fs/cgroup/memory.current", 0);
  return std::min(mem_available(), limit == kNoLimit ? kNoLimit : std::max<std::int64_t>(0, limit - used));
}

void rethrow_with_memory(const MemoryEstimate& estimate, at::Device device) {
  const Error error = as_error(std::current_exception());
  if (error.exit() != Exit::memory || error.code() != "OM001") throw error;
  const std::string free = fmt::format("{} MiB are free of the {}", mebibytes(available_memory(device)),
                                       device.is_cpu() ? "machine" : "GPU");
  throw Error(Exit::memory, "OM001", "out of memory", "train.micro_tokens",
              fmt::format("the model takes {}; the rest is a micro-batch; {}", estimate.table(), free),
              "lower train.micro_tokens, or use train.recompute block, model.quantize nf4, optim.paged true or "
              "train.offload block_inputs");
}

void require_memory(const formats::ModelFiles& files, const BuildSpec& spec, const StateBytes& state_bytes) {
  const MemoryEstimate estimate = estimate_memory(files, spec, state_bytes);
  const std::int64_t available = available_memory(spec.device);
  if (estimate.total() <= available) return;
  throw Error(Exit::memory, "MM001", "not enough memory", "model.path",
              fmt::format("needs {} MiB ({}), {} MiB are free", mebibytes(estimate.total()), estimate.table(),
                          mebibytes(available)),
              "try model.quantize nf4, adapter.type lora, or a smaller model");
}

}  // namespace hone::model
