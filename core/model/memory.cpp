#include "core/model/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "core/base/error.h"

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

}  // namespace

std::string MemoryEstimate::table() const {
  return fmt::format("frozen weights {} MiB, trained weights {} MiB, gradients {} MiB, optimizer {} MiB",
                     mebibytes(frozen), mebibytes(master), mebibytes(gradients), mebibytes(optimizer));
}

MemoryEstimate estimate_memory(const formats::ModelFiles& files, const BuildSpec& spec) {
  MemoryEstimate estimate;
  const std::int64_t element = spec.compute == at::kFloat ? 4 : 2;
  std::int64_t trained = 0;
  for (const formats::TensorInfo& info : files.tensors->tensors()) {
    const std::int64_t n = c10::multiply_integers(info.shape);
    const bool nf4 = formats::is_block_linear(info) && (spec.nf4 || info.dtype == formats::DType::nf4);
    if (spec.trained == Trained::everything) {
      trained += n;
    } else {
      estimate.frozen += nf4 ? n / 2 + n / 64 * (spec.double_quant ? 1 : 4) : n * element;
    }
    if (spec.trained == Trained::adapter && formats::is_block_linear(info) && adapter::is_target(spec.lora, module_of(info.name)))
      trained += spec.lora.rank * (info.shape[0] + info.shape[1]);
  }
  estimate.master = trained * (spec.compute == at::kFloat ? 4 : 4 + element);
  estimate.gradients = trained * 4;
  estimate.optimizer = trained * 8;
  return estimate;
}

std::int64_t available_memory() {
  constexpr auto kNoLimit = std::numeric_limits<std::int64_t>::max();
  const std::int64_t limit = number_in("/sys/fs/cgroup/memory.max", kNoLimit);
  const std::int64_t used = number_in("/sys/fs/cgroup/memory.current", 0);
  return std::min(mem_available(), limit == kNoLimit ? kNoLimit : std::max<std::int64_t>(0, limit - used));
}

void require_memory(const formats::ModelFiles& files, const BuildSpec& spec) {
  const MemoryEstimate estimate = estimate_memory(files, spec);
  const std::int64_t available = available_memory();
  if (estimate.total() <= available) return;
  throw Error(Exit::memory, "MM001", "not enough memory", "model.path",
              fmt::format("needs {} MiB ({}), {} MiB are free", mebibytes(estimate.total()), estimate.table(),
                          mebibytes(available)),
              "try model.quantize nf4, adapter.type lora, or a smaller model");
}

}  // namespace hone::model
