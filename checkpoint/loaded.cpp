#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "checkpoint/checkpoint.h"
#include "checkpoint/shard_file.h"
#include "core/base/error.h"
#include "core/base/file_system.h"

namespace hone::checkpoint {
namespace {

constexpr std::size_t kMaxManifestBytes = std::size_t{64} << 20;

std::string without_trailing_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Manifest read_manifest(const std::string& folder) {
  const std::string path = folder + "/" + kManifestName;
  std::string text;
  try {
    text = read_text_file(path, kMaxManifestBytes);
  } catch (const Error&) {
    throw Error(Exit::checkpoint, "CK001", "not a checkpoint", folder,
                path_exists(path) ? "its manifest.json cannot be read" : "it has no manifest.json",
                "a checkpoint is a folder checkpoints/step-NNNNNNNN of a run");
  }
  Manifest manifest = parse_manifest(text, path);
  const std::int64_t named = step_of(folder.substr(folder.find_last_of('/') + 1));
  if (named >= 0 && named != manifest.step)
    throw Error(Exit::checkpoint, "CK003", "bad checkpoint manifest", path,
                fmt::format("it is of step {}, the folder's name says {}", manifest.step, named));
  return manifest;
}

void refuse_foreign_files(const std::string& folder, const Manifest& manifest) {
  std::set<std::string> known{kManifestName};
  for (const FileEntry& file : manifest.files) known.insert(file.name);
  for (const std::string& name : list_directory(folder))
    if (!known.contains(name))
      throw Error(Exit::checkpoint, "CK007", "file does not belong to the checkpoint", folder + "/" + name,
                  "the manifest does not name it");
}

}  // namespace

LoadedCheckpoint::LoadedCheckpoint(std::string folder)
    : folder_(without_trailing_slash(std::move(folder))), manifest_(read_manifest(folder_)) {
  refuse_foreign_files(folder_, manifest_);
  checked_.resize(manifest_.files.size());
}

LoadedCheckpoint::~LoadedCheckpoint() = default;
LoadedCheckpoint::LoadedCheckpoint(LoadedCheckpoint&&) noexcept = default;

const ShardReader& LoadedCheckpoint::reader(std::size_t file) {
  if (!open_ || open_index_ != file) {
    if (!checked_[file]) check_shard_file(folder_, manifest_.files[file]);
    checked_[file] = true;
    open_ = std::make_unique<ShardReader>(folder_, manifest_.files[file]);
    open_index_ = file;
  }
  return *open_;
}

void LoadedCheckpoint::read(const StateSpec& tensor, Range range, std::byte* out) {
  const StateSpec* stored = manifest_.find(tensor.name);
  if (!stored || *stored != tensor)
    throw Error(Exit::checkpoint, "CK013", "tensor not in the checkpoint", folder_, "\"" + tensor.name + "\"",
                stored ? "it is there in another type or size" : "");
  HONE_CHECK(range.begin >= 0 && range.end <= tensor.count);
  for (std::size_t file = 0; file < manifest_.files.size(); ++file) {
    for (const FilePart& part : manifest_.files[file].parts) {
      if (part.tensor != tensor.name) continue;
      std::int64_t offset = 0;
      for (const Range& held : part.ranges) {
        const Range wanted{std::max(held.begin, range.begin), std::min(held.end, range.end)};
        if (!wanted.empty())
          reader(file).read(part, tensor.type, offset + wanted.begin - held.begin, wanted.length(),
                            out + (wanted.begin - range.begin) * size_of(tensor.type));
        offset += held.length();
      }
    }
  }
}

void LoadedCheckpoint::read(const StateTensor& tensor) {
  read(tensor, {0, tensor.count}, static_cast<std::byte*>(tensor.data));
}

Json verify_checkpoint(const std::string& folder, int part, int parts) {
  const LoadedCheckpoint checkpoint(folder);
  const Manifest& manifest = checkpoint.manifest();
  std::int64_t bytes = 0, parameters = 0;
  Json tensors = Json::array();
  for (const StateSpec& tensor : manifest.tensors) tensors.push_back(tensor.name);
  for (std::size_t i = 0; i < manifest.files.size(); ++i) {
    const FileEntry& file = manifest.files[i];
    bytes += file.size;
    if (static_cast<int>(i % static_cast<std::size_t>(parts)) != part) continue;
    check_shard_file(checkpoint.folder(), file);
    ShardReader(checkpoint.folder(), file).check_schema(file, manifest);
  }
  for (const ParameterSlice& parameter : manifest.layout.parameters) parameters += parameter.range.length();
  return {{"step", manifest.step},
          {"best_step", manifest.best_step},
          {"world_size", manifest.world_size},
          {"files", manifest.files.size()},
          {"bytes", bytes},
          {"parameters", parameters},
          {"tensors", std::move(tensors)},
          {"good", true}};
}

}  // namespace hone::checkpoint
