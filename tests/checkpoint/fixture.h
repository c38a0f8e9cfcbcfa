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

// Bit patterns of all kinds: what matters is that they come back, NaN payloads and -0 included.
inline std::vector<float> arena_values(std::int64_t size, std::uint32_t seed) {
  std::vector<float> values(static_cast<std::size_t>(size));
  std::uint32_t bits = seed * 2654435761u + 1;
  for (float& value : values) {
    bits = bits * 1664525u + 1013904223u;
    std::memcpy(&value, &bits, sizeof value);
  }
  return values;
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// A run's state at a step. Every rank's copy is the same.
struct SampleRun {
  static constexpr std::int64_t kGranule = 16;
  ArenaLayout layout = small_layout();
  std::vector<std::string> names{"master", "exp_avg", "exp_avg_sq"};
  std::vector<std::vector<float>> values;

  explicit SampleRun(std::uint32_t seed = 1) {
    for (std::uint32_t i = 0; i < names.size(); ++i)
      values.push_back(arena_values(layout.size, seed * 10 + i));
  }
  CheckpointState state(std::int64_t step, std::int64_t best = -1) const {
    CheckpointState state;
    state.step = step;
    state.best_step = best;
    state.layout = &layout;
    state.granule = kGranule;
    for (std::size_t i = 0; i < names.size(); ++i)
      state.tensors.push_back({names[i], values[i], FlatTensor::Holding::whole});
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

inline std::vector<float> read_whole(const std::string& checkpoint, const std::string& name) {
  LoadedCheckpoint loaded(checkpoint);
  std::vector<float> values(static_cast<std::size_t>(loaded.manifest().layout.size));
  loaded.read(name, {0, loaded.manifest().layout.size}, values);
  return values;
}

inline void expect_holds(const std::string& checkpoint, const SampleRun& run) {
  for (std::size_t i = 0; i < run.names.size(); ++i)
    EXPECT_TRUE(same_bits(read_whole(checkpoint, run.names[i]), run.values[i])) << run.names[i];
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
