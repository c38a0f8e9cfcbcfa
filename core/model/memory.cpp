#include "core/model/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <utility>

#include "core/base/error.h"
#include "core/base/failure.h"
#include "core/device/device.h"
#include "core/model/strands.h"

namespace hone::model {
namespace {

std::string module_of(const std::string& weight) { return weight.substr(0, weight.rfind(".weight")); }

std::int64_t element_bytes(const BuildSpec& spec) { return spec.compute == at::kFloat ? 4 : 2; }

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

// 0: the embedding; 1 to blocks: a block; blocks + 1: the last norm and the head.
std::size_t segment_of(const std::string& tensor, std::int64_t blocks) {
  constexpr std::string_view kLayers = ".layers.";
  if (tensor.find("embed_tokens") != tensor.npos) return 0;
  const std::size_t at = tensor.find(kLayers);
  return at == tensor.npos ? static_cast<std::size_t>(blocks) + 1
                           : 1 + std::stoul(tensor.substr(at + kLayers.size()));
}

std::string name_of_segment(std::size_t segment, std::int64_t blocks) {
  if (segment == 0) return "embedding";
  return segment > static_cast<std::size_t>(blocks) ? "head" : "layers." + std::to_string(segment - 1);
}

// What `spec` trains of a tensor, or beside it.
void add_trained(const formats::TensorInfo& info, const BuildSpec& spec, ArenaLayoutBuilder& layout) {
  const std::string module = module_of(info.name);
  if (trains(spec, info.name)) return layout.add(info.name, info.shape, /*decay=*/true);
  if (const std::vector<std::int64_t>* ids = trained_rows(spec, info.name))
    return layout.add(formats::token_rows_name(module), {std::ssize(*ids), info.shape[1]}, /*decay=*/true);
  if (spec.trained != Trained::adapter || !formats::is_block_linear(info) ||
      !adapter::is_target(spec.lora, module))
    return;
  layout.add(module + ".lora_A.weight", {spec.lora.rank, info.shape[1]}, /*decay=*/true);
  layout.add(module + ".lora_B.weight", {info.shape[0], spec.lora.rank}, /*decay=*/true);
}

std::int64_t frozen_bytes(const formats::TensorInfo& info, const BuildSpec& spec) {
  if (trains(spec, info.name)) return 0;
  const std::int64_t n = c10::multiply_integers(info.shape);
  const bool nf4 = formats::is_block_linear(info) && (spec.nf4 || info.dtype == formats::DType::nf4);
  return nf4 ? n / 2 + n / 64 * (spec.double_quant ? 1 : 4) : n * element_bytes(spec);
}

std::int64_t two_largest(std::vector<std::int64_t> bytes) {
  std::sort(bytes.begin(), bytes.end(), std::greater<>());
  return bytes.at(0) + bytes.at(1);
}

// Beside what a rank owns: in stages 2 and 3 gradients of two blocks on their way; in stage 3 weights of two
// segments, and an embedding that the head multiplies with too, which is held from forward to backward's end.
std::int64_t gathered_bytes(const std::vector<Segment>& segments, std::int64_t element, bool tied,
                            const ZeroPlan& sharding) {
  std::vector<std::int64_t> gradients, weights;
  for (const Segment& segment : segments) {
    gradients.push_back(4 * padded(segment.trained, sharding));
    weights.push_back(element * padded(segment.trained, sharding) +
                      sharding.ranks * owned_bytes(segment.frozen, sharding));
  }
  if (sharding.stage < 2 || sharding.ranks == 1) return 0;
  if (sharding.stage == 2) return two_largest(gradients);
  const std::int64_t held = tied ? std::exchange(weights.front(), 0) : 0;
  return two_largest(gradients) + held + two_largest(weights);
}

}  // namespace

std::string MemoryEstimate::table() const {
  return fmt::format("frozen weights {} MiB, trained weights {} MiB, gradients {} MiB, optimizer {} MiB",
                     mebibytes(frozen), mebibytes(master), mebibytes(gradients), mebibytes(optimizer));
}

ArenaLayout trained_layout(const formats::ModelFiles& files, const BuildSpec& spec) {
  const std::int64_t blocks = files.config.num_layers;
  std::vector<std::vector<const formats::TensorInfo*>> by_segment(blocks + 2);
  for (const formats::TensorInfo& info : files.tensors->tensors())
    by_segment.at(segment_of(info.name, blocks)).push_back(&info);
  ArenaLayoutBuilder layout;
  for (std::size_t s = 0; s < by_segment.size(); ++s) {
    layout.begin_block(name_of_segment(s, blocks));
    for (const formats::TensorInfo* info : by_segment[s]) add_trained(*info, spec, layout);
  }
  ArenaLayout trained = layout.finish();
  std::erase_if(trained.blocks, [](const BlockRange& block) { return block.range.empty(); });
  return trained;
}

std::vector<Segment> segments_of(const formats::ModelFiles& files, const BuildSpec& spec) {
  const std::int64_t blocks = files.config.num_layers;
  std::vector<Segment> segments(blocks + 2);
  for (const formats::TensorInfo& info : files.tensors->tensors())
    segments.at(segment_of(info.name, blocks)).frozen += frozen_bytes(info, spec);
  const ArenaLayout trained = trained_layout(files, spec);
  for (std::size_t s = 0; s < segments.size(); ++s)
    for (const BlockRange& block : trained.blocks)
      if (block.name == name_of_segment(s, blocks)) segments[s].trained = block.range.length();
  return segments;
}

MemoryEstimate estimate_memory(const formats::ModelFiles& files, const BuildSpec& spec,
                               const StateBytes& state_bytes, const ZeroPlan& sharding) {
  const std::vector<Segment> segments = segments_of(files, spec);
  const ArenaLayout trained = trained_layout(files, spec);
  const std::int64_t element = element_bytes(spec), master = spec.master == at::kFloat ? 4 : 2;
  const bool sharded = sharding.stage > 0, weights_sharded = sharding.stage == 3;
  std::int64_t owned = 0;
  MemoryEstimate estimate;
  for (const Segment& segment : segments) {
    owned += owned_of(segment.trained, sharding);
    estimate.frozen += weights_sharded ? owned_bytes(segment.frozen, sharding) : segment.frozen;
  }
  const bool in_place = spec.master == spec.compute;  // operators read the master itself
  if (weights_sharded)
    estimate.master = owned * master;
  else
    estimate.master =
        in_place ? trained.size * master : (sharded ? owned : trained.size) * master + trained.size * element;
  estimate.gradients = 4 * ((sharding.stage < 2 ? trained.size : 0) + (sharded ? owned : 0));
  estimate.optimizer = state_bytes(trained, sharded ? owned : trained.size);
  estimate.gathered = gathered_bytes(segments, element, files.config.tie_embeddings, sharding);
  return estimate;
}

bool strands_fit(const formats::ModelFiles& files, const BuildSpec& spec, std::int64_t threads) {
  if (!spec.strands || !spec.device.is_cpu() || spec.sharding.shards_weights()) return false;
  std::int64_t largest = 0;  // block; embedding and head are the whole batch's
  const std::vector<Segment> segments = segments_of(files, spec);
  for (std::size_t s = 1; s + 1 < segments.size(); ++s) largest = std::max(largest, segments[s].trained);
  const MemoryEstimate held =
      estimate_memory(files, spec, [](const ArenaLayout&, std::int64_t) { return 0; });
  return (threads - 1) * kStrandBlocks * largest * std::int64_t{sizeof(float)} <=
         (held.frozen + held.master) / 8;
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
  throw Error(
      Exit::memory, "OM001", "out of memory", "train.micro_tokens",
      fmt::format("the model takes {}; the rest is a micro-batch; {}", estimate.table(), free),
      "lower train.micro_tokens, or use train.recompute block, model.quantize nf4, optim.paged true or "
      "train.offload block_inputs");
}

void require_memory(const formats::ModelFiles& files, const BuildSpec& spec, const StateBytes& state_bytes,
                    std::int64_t available) {
  const Sharding& sharding = spec.sharding;
  const MemoryEstimate estimate = estimate_memory(
      files, spec, state_bytes, {static_cast<int>(sharding.stage), sharding.world_size(), sharding.granule});
  if (estimate.total() <= available) return;
  throw Error(Exit::memory, "MM001", "not enough memory", "model.path",
              fmt::format("needs {} MiB ({}), {} MiB are free for this rank", mebibytes(estimate.total()),
                          estimate.table(), mebibytes(available)),
              "try model.quantize nf4, adapter.type lora, or a smaller model");
}

}  // namespace hone::model
