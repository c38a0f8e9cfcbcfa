#include "core/formats/hf_source.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/base/json.h"
#include "core/formats/decode.h"
#include "core/formats/nf4.h"
#include "core/formats/safetensors.h"

namespace hone::formats {
namespace {

constexpr const char* kSingle = "/model.safetensors";
constexpr const char* kIndex = "/model.safetensors.index.json";
constexpr std::size_t kMaxShards = 1'000, kMaxIndexBytes = std::size_t{16} << 20;

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

class HfSource : public TensorSource {
 public:
  HfSource(std::string folder, std::vector<SafetensorsFile> files)
      : folder_(std::move(folder)), files_(std::move(files)) {
    for (const SafetensorsFile& file : files_)
      for (const SafetensorsEntry& entry : file.entries()) add(file, entry);
    for (const auto& [name, stored] : entries_)
      if (name.ends_with(kNf4StateSuffix)) add_nf4(name.substr(0, name.size() - kNf4StateSuffix.size()));
    for (const auto& [name, stored] : entries_)
      if (!is_nf4_part(name)) infos_.push_back(nf4_.contains(name) ? nf4_.at(name).info : stored.entry->info);
  }

  const std::vector<TensorInfo>& tensors() const override { return infos_; }

  void read_rows(const TensorInfo& tensor, std::int64_t begin, std::int64_t end, float* out) const override {
    HONE_CHECK(!tensor.shape.empty() && begin >= 0 && begin <= end && end <= tensor.shape[0]);
    std::int64_t width = 1;
    for (std::size_t i = 1; i < tensor.shape.size(); ++i) width *= tensor.shape[i];
    if (const auto it = nf4_.find(tensor.name); it != nf4_.end())
      return decode_nf4(it->second.parts, begin * width, end * width, out);
    const SafetensorsEntry& entry = *entries_.at(tensor.name).entry;
    const std::int64_t row_bytes = width * block_layout(entry.info.dtype).bytes;
    decode(entry.info.dtype, entry.bytes.data() + begin * row_bytes, (end - begin) * width, out);
  }

  std::span<const std::byte> raw(const TensorInfo& tensor) const override {
    return entries_.at(tensor.name).entry->bytes;
  }

  std::optional<Nf4Parts> nf4(const TensorInfo& tensor) const override {
    const auto it = nf4_.find(tensor.name);
    return it == nf4_.end() ? std::nullopt : std::optional(it->second.parts);
  }

  std::string describe(const TensorInfo& tensor) const override {
    return entries_.at(tensor.name).file->path() + ": " + tensor.name;
  }

 private:
  struct Stored {
    const SafetensorsFile* file;
    const SafetensorsEntry* entry;
  };

  void add(const SafetensorsFile& file, const SafetensorsEntry& entry) {
    if (!entries_.emplace(entry.info.name, Stored{&file, &entry}).second)
      throw Error(Exit::input, "IX005", "tensor stands in two shards", file.path() + ": " + entry.info.name,
                  "it is in " + base_name(entries_.at(entry.info.name).file->path()) + " too");
  }

  void add_nf4(const std::string& weight) {
    const auto find = [&](const std::string& name) {
      const auto it = entries_.find(name);
      return it == entries_.end() ? nullptr : it->second.entry;
    };
    nf4_.emplace(weight, read_nf4(weight, find, folder_));
  }

  bool is_nf4_part(const std::string& name) const {
    for (const std::string_view suffix :
         {std::string_view(".absmax"), std::string_view(".quant_map"), std::string_view(".nested_absmax"),
          std::string_view(".nested_quant_map"), kNf4StateSuffix})
      if (name.ends_with(suffix) && nf4_.contains(name.substr(0, name.size() - suffix.size()))) return true;
    return false;
  }

  std::string folder_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, Stored, std::less<>> entries_;
  std::map<std::string, Nf4Tensor, std::less<>> nf4_;
  std::vector<TensorInfo> infos_;
};

// weight_map of an index: tensor name to shard, each shard a plain file name.
std::map<std::string, std::string> read_index(const std::string& path) {
  const Json json = parse_json_file(path, "IX001", kMaxIndexBytes);
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (map == json.end() || !map->is_object() || map->empty())
    throw Error(Exit::input, "IX003", "bad index", path, "weight_map is missing, empty or not an object");
  std::map<std::string, std::string> shards;
  for (const auto& [name, shard] : map->items()) {
    if (!shard.is_string())
      throw Error(Exit::input, "IX003", "bad index", path + ": " + name, "its shard is not a string");
    const auto& file = shard.get_ref<const std::string&>();
    require_plain_name(file, "IX002", path);
    if (!file.ends_with(".safetensors"))
      throw Error(Exit::input, "IX002", "shard name not allowed", path, "\"" + file + "\"",
                  "only safetensors files in the model folder");
    shards.emplace(name, file);
  }
  return shards;
}

std::vector<SafetensorsFile> open_shards(const std::string& folder) {
  const std::string index_path = folder + kIndex;
  const auto index = read_index(index_path);
  std::vector<std::string> names;
  for (const auto& [tensor, shard] : index) names.push_back(shard);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.size() > kMaxShards)
    throw Error(Exit::input, "IX006", "too many shards", index_path,
                std::to_string(names.size()) + ", limit " + std::to_string(kMaxShards));
  std::vector<SafetensorsFile> files;
  std::map<std::string_view, const SafetensorsFile*> by_name;
  files.reserve(names.size());
  for (const std::string& name : names) by_name[name] = &files.emplace_back(folder + "/" + name);
  for (const auto& [tensor, shard] : index)
    if (!by_name.at(shard)->find(tensor))
      throw Error(Exit::input, "IX004", "tensor not in its shard", index_path + ": " + tensor,
                  shard + " has none");
  for (const auto& [name, file] : by_name)
    for (const SafetensorsEntry& entry : file->entries())
      if (const auto it = index.find(entry.info.name); it == index.end() || it->second != name)
        throw Error(Exit::input, "IX005", "tensor not in the index", file->path() + ": " + entry.info.name,
                    "the index does not place it here");
  return files;
}

}  // namespace

void refuse_pickle_weights(const std::string& folder) {
  for (const std::string& name : list_directory(folder))
    for (const char* suffix : {".bin", ".pt", ".pth", ".ckpt"})
      if (name.ends_with(suffix) && name != "training_args.bin")
        throw Error(Exit::input, "IN001", "pickle checkpoints are not read (they can run code)",
                    folder + "/" + name, "no safetensors file beside it", "convert it to safetensors first");
}

std::unique_ptr<TensorSource> make_hf_source(const std::string& folder) {
  std::vector<SafetensorsFile> files;
  if (path_exists(folder + kSingle)) {
    files.emplace_back(folder + kSingle);
  } else if (path_exists(folder + kIndex)) {
    files = open_shards(folder);
  } else {
    refuse_pickle_weights(folder);
    throw Error(Exit::input, "MD010", "no weights", folder,
                "neither model.safetensors nor an index of shards");
  }
  return std::make_unique<HfSource>(folder, std::move(files));
}

}  // namespace hone::formats
