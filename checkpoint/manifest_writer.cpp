#include <string>

#include "checkpoint/digest.h"
#include "checkpoint/manifest.h"
#include "core/base/error.h"

namespace hone::checkpoint {
namespace {

OrderedJson range_json(const Range& range) { return OrderedJson::array({range.begin, range.end}); }

OrderedJson layout_json(const ArenaLayout& layout) {
  OrderedJson parameters = OrderedJson::array(), blocks = OrderedJson::array();
  for (const ParameterSlice& parameter : layout.parameters) {
    parameters.push_back({{"name", parameter.name},
                          {"shape", parameter.shape},
                          {"range", range_json(parameter.range)},
                          {"decay", parameter.decay}});
  }
  for (const BlockRange& block : layout.blocks)
    blocks.push_back({{"name", block.name}, {"range", range_json(block.range)}});
  return {{"size", layout.size}, {"parameters", std::move(parameters)}, {"blocks", std::move(blocks)}};
}

OrderedJson files_json(const std::vector<FileEntry>& files) {
  OrderedJson list = OrderedJson::array();
  for (const FileEntry& file : files) {
    OrderedJson parts = OrderedJson::array();
    for (const FilePart& part : file.parts) {
      OrderedJson ranges = OrderedJson::array();
      for (const Range& range : part.ranges) ranges.push_back(range_json(range));
      parts.push_back({{"tensor", part.tensor}, {"ranges", std::move(ranges)}});
    }
    list.push_back(
        {{"name", file.name}, {"size", file.size}, {"xxh3", file.digest}, {"parts", std::move(parts)}});
  }
  return list;
}

OrderedJson per_json(std::int64_t per) {
  if (per == StateSpec::kWhole) return "whole";
  return per == 1 ? OrderedJson("element") : OrderedJson(per);
}

OrderedJson tensors_json(const std::vector<StateSpec>& tensors) {
  OrderedJson list = OrderedJson::array();
  for (const StateSpec& tensor : tensors)
    list.push_back({{"name", tensor.name},
                    {"dtype", name_of(tensor.type)},
                    {"per", per_json(tensor.per)},
                    {"count", tensor.count}});
  return list;
}

}  // namespace

std::string manifest_last_line(std::string_view before) {
  return "\"xxh3\": \"" + xxh3_hex(std::as_bytes(std::span(before))) + "\"}\n";
}

std::string file_entries_text(const std::vector<FileEntry>& files) { return files_json(files).dump(); }

std::string manifest_text(const Manifest& manifest) {
  const OrderedJson body = {{"format", "hone-checkpoint"},
                            {"version", kFormatVersion},
                            {"step", manifest.step},
                            {"best_step", manifest.best_step},
                            {"world_size", manifest.world_size},
                            {"granule", manifest.granule},
                            {"layout", layout_json(manifest.layout)},
                            {"tensors", tensors_json(manifest.tensors)},
                            {"files", files_json(manifest.files)},
                            {"trainer", manifest.trainer},
                            {"config", manifest.config},
                            {"digests", manifest.digests}};
  std::string text = "{\n";
  for (const auto& [key, value] : body.items()) text += Json(key).dump() + ": " + value.dump() + ",\n";
  text += manifest_last_line(text);
  HONE_CHECK(parse_manifest(text, kManifestName).trainer == manifest.trainer);
  return text;
}

}  // namespace hone::checkpoint
