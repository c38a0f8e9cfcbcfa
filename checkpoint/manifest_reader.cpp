#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "checkpoint/digest.h"
#include "checkpoint/manifest.h"
#include "core/base/error.h"

namespace hone::checkpoint {
namespace {

constexpr std::int64_t kMaxElements = std::int64_t{1} << 50;
constexpr std::int64_t kMaxValues = 1 << 21;  // of a manifest; parsed, each takes tens of times its text

[[noreturn]] void refuse(const std::string& where, const std::string& why) {
  throw Error(Exit::checkpoint, "CK003", "bad checkpoint manifest", where, why);
}

// A JSON value and the path to it, so that a refusal names the place.
class Node {
 public:
  Node(const Json& value, const std::string& file, std::string path = "")
      : value_(value), file_(file), path_(std::move(path)) {}

  Node at(const char* key) const {
    if (!value_.is_object()) fail("is not an object");
    const auto found = value_.find(key);
    if (found == value_.end()) fail(fmt::format("\"{}\" is missing", key));
    return {*found, file_, path_.empty() ? key : path_ + "." + key};
  }
  std::vector<Node> items() const {
    if (!value_.is_array()) fail("is not a list");
    std::vector<Node> nodes;
    nodes.reserve(value_.size());
    for (std::size_t i = 0; i < value_.size(); ++i)
      nodes.emplace_back(value_[i], file_, fmt::format("{}[{}]", path_, i));
    return nodes;
  }
  std::int64_t integer(std::int64_t low, std::int64_t high) const {
    // Values above the signed range arrive as unsigned or as a float; neither is an index of ours.
    const bool whole =
        value_.is_number_integer() &&
        !(value_.is_number_unsigned() &&
          value_.get<std::uint64_t>() > std::uint64_t(std::numeric_limits<std::int64_t>::max()));
    if (!whole || value_.get<std::int64_t>() < low || value_.get<std::int64_t>() > high)
      fail(fmt::format("is not a whole number from {} to {}", low, high));
    return value_.get<std::int64_t>();
  }
  const std::string& text() const {
    if (!value_.is_string()) fail("is not a string");
    return value_.get_ref<const std::string&>();
  }
  bool is_text() const { return value_.is_string(); }
  bool boolean() const {
    if (!value_.is_boolean()) fail("is neither true nor false");
    return value_.get<bool>();
  }
  FlatMap flat_map() const {
    object();
    FlatMap map;
    for (const auto& [key, item] : value_.items()) map[key] = Node(item, file_, path_ + "." + key).text();
    return map;
  }
  const Json& object() const {
    if (!value_.is_object()) fail("is not an object");
    return value_;
  }
  Range range(std::int64_t size) const {
    const std::vector<Node> ends = items();
    if (ends.size() != 2) fail("is not a pair [begin, end]");
    const std::int64_t begin = ends[0].integer(0, size);
    return {begin, ends[1].integer(begin, size)};
  }
  [[noreturn]] void fail(const std::string& why) const {
    refuse(file_, path_.empty() ? why : path_ + " " + why);
  }

 private:
  const Json& value_;
  const std::string& file_;
  std::string path_;
};

ParameterSlice read_parameter(const Node& node, std::int64_t size) {
  ParameterSlice parameter{
      node.at("name").text(), {}, node.at("range").range(size), node.at("decay").boolean()};
  std::int64_t count = 1;
  for (const Node& dim : node.at("shape").items()) {
    parameter.shape.push_back(dim.integer(0, size));
    if (__builtin_mul_overflow(count, parameter.shape.back(), &count)) dim.fail("makes the shape too large");
  }
  if (count != parameter.range.length()) node.fail("has a shape that does not fill its range");
  return parameter;
}

void check_parameters(const ArenaLayout& layout, const Node& node) {
  std::set<std::string> names;
  std::int64_t last = 0;
  for (const ParameterSlice& parameter : layout.parameters) {
    if (!names.insert(parameter.name).second) node.fail("names \"" + parameter.name + "\" twice");
    if (parameter.range.begin < last) node.fail("has \"" + parameter.name + "\" overlap the one before");
    last = parameter.range.end;
  }
}

ArenaLayout read_layout(const Node& node) {
  ArenaLayout layout;
  layout.size = node.at("size").integer(0, kMaxElements);
  for (const Node& item : node.at("parameters").items())
    layout.parameters.push_back(read_parameter(item, layout.size));
  check_parameters(layout, node.at("parameters"));
  std::int64_t covered = 0;
  for (const Node& item : node.at("blocks").items()) {
    layout.blocks.push_back({item.at("name").text(), item.at("range").range(layout.size)});
    if (layout.blocks.back().range.begin != covered) item.fail("does not begin where the block before ends");
    covered = layout.blocks.back().range.end;
  }
  if (covered != layout.size) node.at("blocks").fail("do not cover the arena");
  return layout;
}

StateType read_type(const Node& node) {
  for (const StateType type : {StateType::f32, StateType::bf16, StateType::u8})
    if (node.text() == name_of(type)) return type;
  node.fail("is none of f32, bf16, u8");
}

std::int64_t read_per(const Node& node) {
  if (!node.is_text()) return node.integer(2, kMaxElements);
  if (node.text() == "element") return 1;
  if (node.text() == "whole") return StateSpec::kWhole;
  node.fail("is neither element nor whole nor a number");
}

StateSpec read_tensor(const Node& node, std::int64_t version, std::int64_t arena) {
  StateSpec tensor{node.at("name").text(), read_type(node.at("dtype")), read_per(node.at("per")), arena};
  if (!is_tensor_name(tensor.name)) node.at("name").fail("is not a tensor name");
  if (version > 1) tensor.count = node.at("count").integer(0, kMaxElements);
  if (tensor.per != StateSpec::kWhole && (arena % tensor.per != 0 || tensor.count != arena / tensor.per))
    node.fail("has another number of values than its arena asks for");
  return tensor;
}

std::vector<StateSpec> read_tensors(const Node& node, std::int64_t version, std::int64_t arena) {
  std::vector<StateSpec> tensors;
  std::set<std::string> names;
  for (const Node& item : node.items()) {
    tensors.push_back(read_tensor(item, version, arena));
    if (!names.insert(tensors.back().name).second) item.fail("stands twice");
  }
  return tensors;
}

FilePart read_part(const Node& node) {
  FilePart part{node.at("tensor").text(), {}};
  if (!is_tensor_name(part.tensor)) node.at("tensor").fail("is not a tensor name");
  for (const Node& item : node.at("ranges").items()) {
    part.ranges.push_back(item.range(kMaxElements));
    if (part.ranges.back().empty()) item.fail("is empty");
  }
  if (part.ranges.empty()) node.at("ranges").fail("is empty");
  return part;
}

std::vector<FileEntry> read_files(const Node& node) {
  std::vector<FileEntry> files;
  std::set<std::string> names;
  for (const Node& item : node.items()) {
    FileEntry file{
        item.at("name").text(), item.at("size").integer(1, kMaxElements), item.at("xxh3").text(), {}};
    if (!is_shard_file_name(file.name)) item.at("name").fail("is not the name of a shard file");
    if (!names.insert(file.name).second) item.at("name").fail("stands twice");
    if (!is_xxh3_hex(file.digest)) item.at("xxh3").fail("is not 32 hexadecimal digits");
    std::set<std::string> tensors;
    for (const Node& part : item.at("parts").items()) {
      file.parts.push_back(read_part(part));
      if (!tensors.insert(file.parts.back().tensor).second) part.fail("names a tensor twice");
    }
    files.push_back(std::move(file));
  }
  return files;
}

void check_tiling(const Manifest& manifest, const std::string& where) {
  std::map<std::string, std::vector<Range>> pieces;
  for (const StateSpec& tensor : manifest.tensors) pieces[tensor.name];
  for (const FileEntry& file : manifest.files) {
    for (const FilePart& part : file.parts) {
      const auto found = pieces.find(part.tensor);
      if (found == pieces.end()) refuse(where, file.name + " holds unknown tensor \"" + part.tensor + "\"");
      found->second.insert(found->second.end(), part.ranges.begin(), part.ranges.end());
    }
  }
  for (auto& [tensor, ranges] : pieces) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    std::int64_t covered = 0;
    for (const Range& range : ranges) {
      if (range.begin != covered)
        refuse(where, fmt::format("the files leave a hole or overlap in \"{}\" at {}", tensor, covered));
      covered = range.end;
    }
    if (const std::int64_t count = manifest.find(tensor)->count; covered != count)
      refuse(where, fmt::format("the files hold {} of {} values of \"{}\"", covered, count, tensor));
  }
}

// Both refuse with exit 4: a manifest is part of a checkpoint, whatever is wrong with it.
Json parse_checked(std::string_view text, const std::string& where) {
  if (std::count(text.begin(), text.end(), ',') > kMaxValues)
    refuse(where, fmt::format("more than {} values", kMaxValues));
  try {
    return parse_json(text, "CK003", where);
  } catch (const Error& error) {
    throw Error(Exit::checkpoint, "CK003", "bad checkpoint manifest", where, "not JSON as hone writes it");
  }
}

void check_digest(std::string_view text, const std::string& where) {
  const std::size_t tail_size = manifest_last_line("").size();
  const std::string_view head = text.substr(0, text.size() - std::min(text.size(), tail_size));
  const std::string tail = manifest_last_line(head);
  if (text.substr(head.size()) != tail)
    throw Error(Exit::checkpoint, "CK002", "manifest damaged", where,
                "its last line is not the digest of the rest");
}

}  // namespace

bool is_tensor_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                  c == '-' || c == '.';
         });
}

const StateSpec* Manifest::find(std::string_view tensor) const {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const StateSpec& spec) { return spec.name == tensor; });
  return found == tensors.end() ? nullptr : &*found;
}

std::vector<FileEntry> parse_file_entries(std::string_view text, const std::string& where) {
  return read_files(Node(parse_checked(text, where), where));
}

Manifest parse_manifest(std::string_view text, const std::string& where) {
  check_digest(text, where);
  const Json json = parse_checked(text, where);
  const Node root(json, where);
  if (root.at("format").text() != "hone-checkpoint") root.at("format").fail("is not hone-checkpoint");
  const std::int64_t version = root.at("version").integer(1, std::numeric_limits<std::int64_t>::max());
  if (version > kFormatVersion)
    throw Error(Exit::checkpoint, "CK004", "checkpoint format not known", where,
                fmt::format("version {}, this program reads versions up to {}", version, kFormatVersion));
  Manifest manifest;
  constexpr std::int64_t kMaxStep = std::int64_t{1} << 53;
  manifest.step = root.at("step").integer(0, kMaxStep);
  manifest.best_step = root.at("best_step").integer(-1, kMaxStep);
  manifest.world_size = root.at("world_size").integer(1, 1 << 24);
  manifest.granule = root.at("granule").integer(1, kMaxElements);
  manifest.layout = read_layout(root.at("layout"));
  manifest.tensors = read_tensors(root.at("tensors"), version, manifest.layout.size);
  manifest.files = read_files(root.at("files"));
  check_tiling(manifest, where);
  manifest.trainer = root.at("trainer").object();
  manifest.config = root.at("config").flat_map();
  manifest.digests = root.at("digests").flat_map();
  return manifest;
}

}  // namespace hone::checkpoint
