#pragma once
// A small arena with recognisable values, saved and read by ranks as threads.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "core/base/error.h"
#include "core/base/file_system.h"
#include "dist/local_communicator.h"
#include "dist/thread_communicator.h"

namespace hone::checkpoint::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "hone-checkpoint-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Three blocks, none a multiple of worlds * granule; padding between parameters.
inline ArenaLayout small_layout() {
  ArenaLayoutBuilder builder;
  builder.begin_block("embedding");
  builder.add("embedding.weight", {7, 10}, true);
  builder.begin_block("layers.0");
  builder.add("layers.0.lora_A", {4, 33}, true);
  builder.add("layers.0.lora_B", {65}, true);
  builder.begin_block("head");
  builder.add("norm.weight", {3}, false);
  return builder.finish();
}

using Bytes = std::vector<std::byte>;

// Bit patterns of all kinds: what matters is that they come back, NaN payloads and -0 included.
inline Bytes sample_bytes(std::int64_t size, std::uint32_t seed) {
  Bytes bytes(static_cast<std::size_t>(size));
  std::uint32_t bits = seed * 2654435761u + 1;
  for (std::byte& value : bytes) {
    bits = bits * 1664525u + 1013904223u;
    value = std::byte(bits >> 24);
  }
  return bytes;
}

struct SampleTensor {
  StateSpec spec;
  Bytes bytes;
  StateTensor view() const { return {spec, const_cast<std::byte*>(bytes.data())}; }
};

// A run's state at a step: tensors of every type and unit. Every rank's copy is the same.
struct SampleRun {
  static constexpr std::int64_t kGranule = 64;  // of the four in the small blocks, three ranks get 2, 2 and 0
  ArenaLayout layout;
  std::vector<SampleTensor> tensors;

  explicit SampleRun(std::uint32_t seed = 1, ArenaLayout run_layout = small_layout())
      : layout(std::move(run_layout)) {
    const std::int64_t size = layout.size;
    const std::vector<StateSpec> specs = {{"master", StateType::f32, 1, size},
                                          {"exp_avg", StateType::bf16, 1, size},
                                          {"exp_avg_sq", StateType::u8, 1, size},
                                          {"absmax", StateType::f32, 64, size / 64},
                                          {"rows", StateType::f32, StateSpec::kWhole, 41},
                                          {"empty", StateType::f32, StateSpec::kWhole, 0}};
    for (const StateSpec& spec : specs)
      tensors.push_back({spec, sample_bytes(spec.count * size_of(spec.type), seed++ * 10)});
  }
  CheckpointState state(std::int64_t step, std::int64_t best = -1) const {
    CheckpointState state;
    state.step = step;
    state.best_step = best;
    state.layout = &layout;
    state.granule = kGranule;
    for (const SampleTensor& tensor : tensors) state.tensors.emplace_back(tensor.view());
    state.trainer = {{"epoch", 1}, {"sample", 77}, {"best", {{"loss", 0.1 + 0.2}, {"step", 5}}}};
    state.config = {{"optim.lr", "0.0002"}, {"train.seed", "42"}};
    state.digests = {{"model", "0123abcd"}, {"data", "beef"}};
    return state;
  }
};

inline void save(const std::string& folder, int ranks, const CheckpointState& state,
                 StoreOptions options = {}) {
  dist::run_ranks(ranks, [&](Communicator& ranks) { CheckpointStore(folder, ranks, options).save(state); });
}

inline Bytes read_whole(const std::string& checkpoint, const StateSpec& spec) {
  SampleTensor tensor{spec, Bytes(static_cast<std::size_t>(spec.count * size_of(spec.type)))};
  LoadedCheckpoint(checkpoint).read(tensor.view());
  return std::move(tensor.bytes);
}

inline void expect_holds(const std::string& checkpoint, const SampleRun& run) {
  for (const SampleTensor& tensor : run.tensors)
    EXPECT_TRUE(read_whole(checkpoint, tensor.spec) == tensor.bytes) << tensor.spec.name;
}

inline std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// "CK005" of the Error thrown, "" if none.
inline std::string code_of(const std::function<void()>& body, std::string* message = nullptr) {
  try {
    body();
  } catch (const Error& error) {
    if (message) *message = error.what();
    return error.code();
  }
  return "";
}

inline std::optional<std::string> newest_good(const std::string& folder,
                                              std::vector<std::string>* warnings = nullptr) {
  dist::LocalCommunicator alone;
  StoreOptions options;
  options.warn = [&](const std::string& line) {
    if (warnings) warnings->push_back(line);
  };
  return CheckpointStore(folder, alone, options).newest_good();
}

}  // namespace hone::checkpoint::testing
