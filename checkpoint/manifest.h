#pragma once
// manifest.json: what a checkpoint holds and where. It is written last; its final line is the digest of every
// byte before that line, so nothing in it can change unnoticed. One key a line:
//   format, version, step, best_step, world_size, granule,
//   layout   {size, parameters: [{name, shape, range, decay}], blocks: [{name, range}]}
//   tensors  [{name, dtype, per, count}], as StateSpec says: per is "element", "whole" or a number
//   files    [{name, size, xxh3, parts: [{tensor, ranges}]}]: dataset /tensor of the file holds
//            these ranges of the tensor's values one after the other
//   trainer, config, digests, xxh3
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/file_plan.h"
#include "core/base/json.h"
#include "core/ports/state_tensor.h"
#include "core/train/shard_plan.h"

namespace hone::checkpoint {

inline constexpr const char* kManifestName = "manifest.json";
inline constexpr std::int64_t kFormatVersion = 2;  // 1: fp32 per arena element only, and no count; still read

using FlatMap = std::map<std::string, std::string>;  // "section.key" -> value, or name -> digest

struct FileEntry {
  std::string name;
  std::int64_t size = 0;
  std::string digest;
  std::vector<FilePart> parts;
};

struct Manifest {
  std::int64_t step = 0;
  std::int64_t best_step = -1;  // the checkpoint retention spares; -1: none
  std::int64_t world_size = 1;
  std::int64_t granule = 1;
  ArenaLayout layout;
  std::vector<StateSpec> tensors;
  std::vector<FileEntry> files;
  Json trainer = Json::object();
  FlatMap config;
  FlatMap digests;

  const StateSpec* find(std::string_view tensor) const;  // null: no such tensor
};

// Throws Error(Exit::internal) where a value would not come back as it is (a NaN in `trainer`, bad UTF-8).
std::string manifest_text(const Manifest& manifest);

// The line that closes a manifest, given all the text before it. Its length is always the same.
std::string manifest_last_line(std::string_view before);

// Checks everything: digest, version, schema, that blocks cover the arena, that parameters lie inside it and
// that the files tile every tensor without hole or overlap. Throws Error(Exit::checkpoint, "CK00x").
Manifest parse_manifest(std::string_view text, const std::string& where);

// The part of a manifest that a rank contributes.
std::string file_entries_text(const std::vector<FileEntry>& files);
std::vector<FileEntry> parse_file_entries(std::string_view text, const std::string& where);

// Names usable as a dataset in a file: letters, digits, '_', '-', '.', not beginning with '.', at most 64.
bool is_tensor_name(std::string_view name);

}  // namespace hone::checkpoint
