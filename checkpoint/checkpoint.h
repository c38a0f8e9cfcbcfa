#pragma once
// Checkpoints of a run: save and retain them, find the newest good one, read any range of it on any number of
// ranks. A checkpoint is the folder step-NNNNNNNN; every byte in it is covered by a digest; it appears by one
// rename once all ranks' files are durable, so a killed run leaves the earlier ones as they were.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/folder.h"
#include "checkpoint/manifest.h"
#include "core/base/json.h"
#include "core/ports/communicator.h"
#include "core/train/shard_plan.h"

namespace hone::checkpoint {

// A state tensor ("master", "exp_avg", ...: see is_tensor_name) as a rank holds it: all its values, or those
// it stores, one range after the other. In host memory, not owned.
struct HeldTensor {
  StateSpec spec;
  std::span<const std::byte> bytes;
  bool only_stored = false;

  HeldTensor(const StateTensor& tensor)
      : spec(tensor), bytes(tensor.bytes()), only_stored(tensor.held != tensor.count) {}
};

// What a save takes. Everything but the values is the same on every rank; `trainer` holds finite numbers
// only.
struct CheckpointState {
  std::int64_t step = 0;
  std::int64_t best_step = -1;  // spared by retention; -1: none
  const ArenaLayout* layout = nullptr;
  std::int64_t granule = 1;  // of the shard plan
  int shard_ranks = 0;  // that share one copy of the state; ranks after these hold copies of it. 0: all ranks
  std::vector<HeldTensor> tensors;
  Json trainer = Json::object();  // cursor, schedule, best and early-stop values, loss scale, RNG key
  FlatMap config;                 // effective, "section.key" -> value
  FlatMap digests;                // of base model, data, tokenizer
};

struct StoreOptions {
  int keep = 3;                                           // the last K, besides the best
  std::int64_t max_file_bytes = std::int64_t{128} << 20;  // built in memory, one at a time
  bool read_only = false;  // leave alone what a killed or a running save left there
  std::function<void(const std::string& line)> warn = {};  // called on rank 0
};

// Thread-compatible; all public members but path_of, holds_checkpoints and write are collective.
class CheckpointStore {
 public:
  // Rank 0 removes what a killed run left in `folder`, which need not exist.
  CheckpointStore(std::string folder, Communicator& communicator, StoreOptions options = {});

  // Durable on return. Where it fails on any rank, every rank throws the same Error (exit 8 where something
  // could not be written), nothing of it stays behind and the checkpoints before it are untouched. Replaces a
  // checkpoint of the same step; removes ones of later steps and those that retention lets go.
  void save(const CheckpointState& state);

  // The newest checkpoint that verify_checkpoint accepts; each damaged one before it is a warning. The ranks share its
  // files. Where there are checkpoints and all are damaged, or the newest is of a later format, throws
  // Error(Exit::checkpoint): a run that began anew would write over them.
  std::optional<std::string> newest_good();

  std::string path_of(std::int64_t step) const { return folder_.path_of(step); }
  bool holds_checkpoints() const { return !folder_.steps().empty(); }

  // The parts of save, for one that writes on a thread of its own: only `write` may run there. It returns
  // what this rank contributes to the manifest, for `finish` to take; its exceptions belong to `finish` too.
  ShardOwner owner(const CheckpointState& state) const;     // what this rank stores
  bool stores_nothing(const CheckpointState& state) const;  // another rank stores the same
  void begin(const CheckpointState& state);
  std::string write(const CheckpointState& state) const;
  void finish(const CheckpointState& state, const std::function<std::string()>& written);

  Communicator& communicator() const { return communicator_; }

 private:
  void clean_on_failure(const CheckpointState& state, const std::function<void()>& collective);
  void publish(const CheckpointState& state, const std::vector<std::string>& entries) const;
  void retain(const CheckpointState& state) const;
  std::vector<std::int64_t> agreed_steps() const;
  std::string trouble_with(std::int64_t step) const;  // empty: none
  void warn(const std::string& line) const;
  bool leads() const { return communicator_.rank() == 0; }

  CheckpointFolder folder_;
  std::string path_;
  Communicator& communicator_;
  StoreOptions options_;
};

// A checkpoint opened for reading; not collective, every rank opens it for itself.
class ShardReader;
class LoadedCheckpoint {
 public:
  // Reads and checks the manifest, and that no other file lies beside. Throws Error(Exit::checkpoint,
  // "CK0xx").
  explicit LoadedCheckpoint(std::string folder);
  ~LoadedCheckpoint();
  LoadedCheckpoint(LoadedCheckpoint&&) noexcept;

  const Manifest& manifest() const { return manifest_; }
  const std::string& folder() const { return folder_; }

  // Values [range.begin, range.end) of a tensor to `out`, from whichever ranks' files hold them. A file's
  // digest is checked before it is first opened. A tensor that is not stored as `tensor` says is refused
  // (CK013).
  void read(const StateSpec& tensor, Range range, std::byte* out);
  // All of it, in place.
  void read(const StateTensor& tensor);

 private:
  const ShardReader& reader(std::size_t file);

  std::string folder_;
  Manifest manifest_;
  std::vector<bool> checked_;
  std::size_t open_index_ = 0;
  std::unique_ptr<ShardReader> open_;
};

// Checks every byte of a checkpoint: manifest, each file's digest and structure, no file missing or foreign.
// Returns a summary: step, world_size, files, bytes, parameters, tensors. Throws Error(Exit::checkpoint).
// `part` of `parts` looks at every file whose number it is, modulo `parts`, and at the manifest.
Json verify_checkpoint(const std::string& folder, int part = 0, int parts = 1);

}  // namespace hone::checkpoint
