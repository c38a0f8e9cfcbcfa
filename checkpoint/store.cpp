#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>
#include <sstream>

#include "checkpoint/checkpoint.h"
#include "checkpoint/together.h"
#include "core/base/error.h"
#include "core/base/fault_point.h"
#include "core/base/file_system.h"

namespace hone::checkpoint {
namespace {

Manifest manifest_of(const CheckpointState& state, int world_size, const std::vector<std::string>& entries) {
  Manifest manifest;
  manifest.step = state.step;
  manifest.best_step = state.best_step;
  manifest.world_size = world_size;
  manifest.granule = state.granule;
  manifest.layout = *state.layout;
  for (const HeldTensor& tensor : state.tensors) manifest.tensors.push_back(tensor.spec);
  for (const std::string& text : entries)
    for (FileEntry& file : parse_file_entries(text, "files of a rank"))
      manifest.files.push_back(std::move(file));
  manifest.trainer = state.trainer;
  manifest.config = state.config;
  manifest.digests = state.digests;
  return manifest;
}

}  // namespace

CheckpointStore::CheckpointStore(std::string folder, Communicator& communicator, StoreOptions options)
    : folder_(folder), path_(std::move(folder)), communicator_(communicator), options_(std::move(options)) {
  const auto clean = [&] {
    if (leads() && !options_.read_only) folder_.clean();
    return std::string();
  };
  together(communicator_, clean, "CK014", "checkpoint folder not usable", path_);
}

void CheckpointStore::save(const CheckpointState& state) {
  begin(state);
  finish(state, [&] { return write(state); });
}

void CheckpointStore::begin(const CheckpointState& state) {
  fault_point("save.begin");
  clean_on_failure(state, [&] {
    const auto create = [&] {
      if (leads()) folder_.begin(state.step);
      return std::string();
    };
    together(communicator_, create, "CK012", "checkpoint not saved", folder_.path_of(state.step));
  });
  fault_point("save.folder");
}

void CheckpointStore::finish(const CheckpointState& state, const std::function<std::string()>& written) {
  clean_on_failure(state, [&] {
    const std::string where = folder_.path_of(state.step);
    const auto entries = together(communicator_, written, "CK012", "checkpoint not saved", where);
    const auto publish_once = [&] {
      if (leads()) publish(state, entries);
      return std::string();
    };
    together(communicator_, publish_once, "CK012", "checkpoint not saved", where);
  });
}

// A failed save leaves nothing behind; what cannot be removed now is removed when the run starts again.
void CheckpointStore::clean_on_failure(const CheckpointState& state,
                                       const std::function<void()>& collective) {
  try {
    collective();
  } catch (const Error&) {
    if (leads()) {
      try {
        folder_.clean();
      } catch (const Error& error) {
        warn(error.what());
      }
    }
    throw;
  }
}

void CheckpointStore::publish(const CheckpointState& state, const std::vector<std::string>& entries) const {
  const Manifest manifest = manifest_of(state, owner(state).world_size, entries);
  write_file_atomic(folder_.temporary_of(state.step) + "/" + kManifestName, manifest_text(manifest));
  folder_.publish(state.step);
  retain(state);
}

// The new checkpoint is safe by now: an old one that cannot be removed is no reason to fail.
void CheckpointStore::retain(const CheckpointState& state) const {
  try {
    for (const std::int64_t step : to_remove(folder_.steps(), state.step, state.best_step, options_.keep))
      folder_.remove(step);
  } catch (const Error& error) {
    warn(std::string("old checkpoint kept: ") + error.what());
  }
}

std::optional<std::string> CheckpointStore::newest_good() {
  const std::vector<std::int64_t> steps = agreed_steps();
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const std::string trouble = trouble_with(*step);
    if (trouble.empty()) return folder_.path_of(*step);
    const auto next = std::next(step);
    if (leads())
      warn(fmt::format("{}; {}", trouble,
                       next == steps.rend() ? "no earlier checkpoint" : "trying " + step_folder_name(*next)));
  }
  if (!steps.empty())
    throw Error(Exit::checkpoint, "CK016", "no checkpoint can be used", path_,
                fmt::format("{} there, all damaged", steps.size()),
                "nothing was changed; to begin anew, move the folder away");
  return std::nullopt;
}

// As the lowest rank sees them.
std::vector<std::int64_t> CheckpointStore::agreed_steps() const {
  const auto mine = [&] {
    return leads() ? fmt::format("{}", fmt::join(folder_.steps(), " ")) : std::string();
  };
  std::istringstream text(together(communicator_, mine, "CK014", "checkpoint folder not usable", path_)[0]);
  return {std::istream_iterator<std::int64_t>(text), {}};
}

std::string CheckpointStore::trouble_with(std::int64_t step) const {
  const std::string folder = folder_.path_of(step);
  const auto look = [&]() -> std::string {
    try {
      verify_checkpoint(folder, communicator_.rank(), communicator_.world_size());
      return {};
    } catch (const Error& error) {
      if (error.code() == "CK004") throw;  // of a later program: good, and not ours to pass over
      return error.what();
    }
  };
  for (const std::string& text :
       together(communicator_, look, "CK014", "checkpoint folder not usable", path_))
    if (!text.empty()) return text;
  return {};
}

void CheckpointStore::warn(const std::string& line) const {
  if (options_.warn) options_.warn(line);
}

}  // namespace hone::checkpoint
