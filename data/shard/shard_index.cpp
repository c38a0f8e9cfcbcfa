#include "data/shard/shard_index.h"

#include <array>
#include <charconv>
#include <limits>

#include "core/base/error.h"
#include "core/base/json.h"

namespace hone::data {
namespace {

constexpr int kIndexVersion = 2;  // 1 had "xxh3" of the whole file for a source; it is still read
constexpr std::size_t kMaxIndexBytes = std::size_t{64} << 20;
constexpr std::uint64_t kMaxCount = std::uint64_t{1}
                                    << 44;  // the sum of all that fit in an index is a 64-bit number

[[noreturn]] void fail_index(const std::string& path, const std::string& why) {
  throw Error(Exit::input, "DS012", "index of a prepared folder refused", path, why,
              "prepare the data again");
}

struct BoundKey {
  const char* name;
  std::int64_t RowBounds::*field;
};
constexpr std::array<BoundKey, 5> kBoundKeys{{{"shortest", &RowBounds::shortest},
                                              {"longest", &RowBounds::longest},
                                              {"without_target", &RowBounds::without_target},
                                              {"first_target", &RowBounds::first_target},
                                              {"last_target", &RowBounds::last_target}}};

OrderedJson shard_json(const ShardEntry& shard) {
  OrderedJson json{{"name", shard.name},
                   {"rows", shard.rows},
                   {"tokens", shard.tokens},
                   {"xxh3", hex_digits(shard.digest)}};
  if (shard.bytes >= 0) json["bytes"] = shard.bytes;
  if (shard.bounds)
    for (const BoundKey& key : kBoundKeys) json[key.name] = (*shard.bounds).*key.field;
  return json;
}

OrderedJson source_json(const SourceFile& file) {
  return {{"path", file.path},
          {"bytes", file.bytes},
          {"rows", file.rows},
          {"blocks_xxh3", hex_digits(file.digest)}};
}

// Typed access that names what is wrong.
class Fields {
 public:
  Fields(const Json& json, const std::string& path) : json_(json), path_(path) {
    if (!json.is_object()) fail_index(path, "an object was expected");
  }
  std::int64_t count(const char* key) const {
    const Json& value = get(key);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMaxCount)
      fail_index(path_, "\"" + std::string(key) + "\" must be a count");
    return value.get<std::int64_t>();
  }
  std::string text(const char* key) const {
    if (!get(key).is_string()) fail_index(path_, "\"" + std::string(key) + "\" must be a string");
    return get(key).get<std::string>();
  }
  std::uint64_t digest(const char* key) const {
    const std::string digits = text(key);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.size() != 16)
      fail_index(path_, "\"" + std::string(key) + "\" must be 16 hexadecimal digits");
    return value;
  }
  bool has(const char* key) const { return json_.contains(key); }
  const Json& object(const char* key) const {
    if (!get(key).is_object()) fail_index(path_, "\"" + std::string(key) + "\" must be an object");
    return get(key);
  }
  const Json& list(const char* key) const {
    if (!get(key).is_array()) fail_index(path_, "\"" + std::string(key) + "\" must be a list");
    return get(key);
  }

 private:
  const Json& get(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) fail_index(path_, "\"" + std::string(key) + "\" is missing");
    return *found;
  }
  const Json& json_;
  const std::string& path_;
};

std::int64_t length_of(const std::string& digits, const std::string& path) {
  std::int64_t length = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc() || end != digits.data() + digits.size() || length < 0)
    fail_index(path, "\"lengths\" must have lengths as keys");
  return length;
}

RowBounds read_bounds(const Fields& shard) {
  RowBounds bounds;
  for (const BoundKey& key : kBoundKeys) bounds.*key.field = shard.count(key.name);
  return bounds;
}

void read_lengths(const Fields& top, const std::string& path, ShardIndex& index) {
  if (!top.has("lengths")) return;
  const Json& lengths = top.object("lengths");
  const Fields counts(lengths, path);
  std::int64_t rows = 0, tokens = 0;
  for (const auto& item : lengths.items()) {
    const std::int64_t length = length_of(item.key(), path), count = counts.count(item.key().c_str());
    if (count > index.rows() - rows || (length > 0 && count > (index.tokens() - tokens) / length))
      fail_index(path, "its lengths do not add up");
    rows += count;
    tokens += length * count;
    index.lengths[length] = count;
  }
  if (rows != index.rows() || tokens != index.tokens()) fail_index(path, "its lengths do not add up");
}

void read_lists(const Fields& top, std::int64_t version, const std::string& path, ShardIndex& index) {
  for (const Json& item : top.list("shards")) {
    const Fields f(item, path);
    index.shards.push_back({f.text("name"), f.count("rows"), f.count("tokens"), f.digest("xxh3")});
    if (f.has("bytes")) index.shards.back().bytes = f.count("bytes");
    if (f.has("longest")) index.shards.back().bounds = read_bounds(f);
    require_plain_name(index.shards.back().name, "DS012", path);
  }
  for (const Json& item : top.list("sources")) {
    const Fields f(item, path);
    const std::uint64_t digest = version == 1 ? 0 : f.digest("blocks_xxh3");
    index.sources.push_back({f.text("path"), f.count("bytes"), f.count("rows"), digest});
  }
}

}  // namespace

std::int64_t ShardIndex::rows() const {
  std::int64_t sum = 0;
  for (const ShardEntry& shard : shards) sum += shard.rows;
  return sum;
}

std::int64_t ShardIndex::tokens() const {
  std::int64_t sum = 0;
  for (const ShardEntry& shard : shards) sum += shard.tokens;
  return sum;
}

std::string to_json(const ShardIndex& index) {
  OrderedJson json{{"format_version", kIndexVersion},
                   {"rows", index.rows()},
                   {"tokens", index.tokens()},
                   {"row_format", index.format},
                   {"vocab_size", index.fingerprint.vocab_size},
                   {"tokenizer", hex_digits(index.fingerprint.tokenizer)},
                   {"chat_template", hex_digits(index.fingerprint.chat_template)}};
  json["shards"] = OrderedJson::array();
  for (const ShardEntry& shard : index.shards) json["shards"].push_back(shard_json(shard));
  json["sources"] = OrderedJson::array();
  for (const SourceFile& file : index.sources) json["sources"].push_back(source_json(file));
  OrderedJson::object_t lengths;  // its own [] searches all keys
  for (const auto& [length, rows] : index.lengths) lengths.push_back({std::to_string(length), rows});
  if (!lengths.empty()) json["lengths"] = std::move(lengths);
  return json.dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

bool is_prepared_folder(const std::string& path) { return path_exists(path + "/" + kIndexName); }

ShardIndex read_shard_index(const std::string& folder) {
  const std::string path = folder + "/" + kIndexName;
  const Json json = parse_json_file(path, "DS012", kMaxIndexBytes);
  const Fields top(json, path);
  const std::int64_t version = top.count("format_version");
  if (version < 1 || version > kIndexVersion) fail_index(path, "unknown format_version");
  ShardIndex index;
  const std::int64_t vocab = top.count("vocab_size");
  if (vocab > std::numeric_limits<std::int32_t>::max()) fail_index(path, "vocab_size is too large");
  index.fingerprint = {top.digest("tokenizer"), top.digest("chat_template"),
                       static_cast<std::int32_t>(vocab)};
  index.format = top.text("row_format");
  read_lists(top, version, path, index);
  read_lengths(top, path, index);
  std::int64_t source_rows = 0;
  for (const SourceFile& source : index.sources) source_rows += source.rows;
  if (index.shards.empty() || index.rows() != top.count("rows") || index.tokens() != top.count("tokens") ||
      index.rows() != source_rows)
    fail_index(path, "its counts do not add up");
  return index;
}

}  // namespace hone::data
