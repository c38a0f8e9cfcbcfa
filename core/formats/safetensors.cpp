#include "core/formats/safetensors.h"

#include <algorithm>
#include <cstring>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/formats/checked.h"
#include "core/formats/decode.h"
#include "core/formats/magic.h"
#include "core/formats/safetensors_header.h"

namespace hone::formats {
namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;

std::string_view header_text(std::span<const std::byte> bytes, const std::string& path) {
  if (bytes.size() < 8)
    throw Error(Exit::input, "ST001", "not a safetensors file", path,
                std::to_string(bytes.size()) + " bytes, need at least 8");
  std::uint64_t size = 0;
  std::memcpy(&size, bytes.data(), 8);
  if (size > kMaxHeader)
    throw Error(Exit::input, "ST002", "header too large", path,
                "says " + std::to_string(size) + " bytes, limit " + std::to_string(kMaxHeader));
  if (size > bytes.size() - 8)
    throw Error(Exit::input, "ST003", "header cut off", path,
                "says " + std::to_string(size) + ", file has " + std::to_string(bytes.size() - 8) +
                    " after the length");
  return {reinterpret_cast<const char*>(bytes.data()) + 8, size};
}

void check_size(const HeaderTensor& tensor, const std::string& path) {
  const std::string where = path + ": " + tensor.info.name;
  std::uint64_t size = static_cast<std::uint64_t>(block_layout(tensor.info.dtype).bytes);
  for (const std::int64_t dim : tensor.info.shape) {
    const auto product = checked_multiply(size, static_cast<std::uint64_t>(dim));
    if (!product || *product > static_cast<std::uint64_t>(INT64_MAX))
      throw Error(Exit::input, "ST008", "bad shape", where, "larger than any file");
    size = *product;
  }
  if (tensor.begin > tensor.end || tensor.end - tensor.begin != size)
    throw Error(Exit::input, "ST009", "tensor of the wrong size", where,
                "offsets " + std::to_string(tensor.begin) + " to " + std::to_string(tensor.end) +
                    ", type and shape need " + std::to_string(size) + " bytes");
}

// Every byte of the data belongs to exactly one tensor.
void check_tiling(const std::vector<HeaderTensor>& tensors, std::uint64_t data_size,
                  const std::string& path) {
  std::vector<const HeaderTensor*> order;
  for (const HeaderTensor& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::uint64_t expected = 0;
  for (const HeaderTensor* tensor : order) {
    const std::string where = path + ": " + tensor->info.name;
    const std::string numbers =
        "begins at " + std::to_string(tensor->begin) + ", expected " + std::to_string(expected);
    if (tensor->begin > expected) throw Error(Exit::input, "ST010", "hole in the data", where, numbers);
    if (tensor->begin < expected) throw Error(Exit::input, "ST011", "tensors overlap", where, numbers);
    expected = tensor->end;
  }
  if (expected != data_size)
    throw Error(Exit::input, "ST012", expected > data_size ? "data cut off" : "bytes after the last tensor",
                path,
                "tensors need " + std::to_string(expected) + " bytes, file has " + std::to_string(data_size));
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::string& path) : file_(std::make_shared<MappedFile>(path)) {
  const auto bytes = file_->bytes();
  refuse_pickle(bytes, path);
  const std::string_view json = header_text(bytes, path);
  SafetensorsHeader header = parse_safetensors_header(json, path);
  const auto data = bytes.subspan(8 + json.size());
  for (const HeaderTensor& tensor : header.tensors) check_size(tensor, path);
  check_tiling(header.tensors, data.size(), path);
  for (HeaderTensor& tensor : header.tensors)
    entries_.push_back({std::move(tensor.info), data.subspan(tensor.begin, tensor.end - tensor.begin)});
  std::sort(entries_.begin(), entries_.end(), [](auto& a, auto& b) { return a.info.name < b.info.name; });
  metadata_ = std::move(header.metadata);
}

const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const {
  const auto it =
      std::lower_bound(entries_.begin(), entries_.end(), name,
                       [](const SafetensorsEntry& e, std::string_view n) { return e.info.name < n; });
  return it != entries_.end() && it->info.name == name ? &*it : nullptr;
}

SafetensorsWriter::SafetensorsWriter(const std::string& path, std::vector<TensorInfo> tensors,
                                     const std::map<std::string, std::string>& metadata)
    : writer_(path) {
  OrderedJson header = OrderedJson::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  for (const TensorInfo& tensor : tensors) {
    const auto size = static_cast<std::uint64_t>(byte_size(tensor.dtype, element_count(tensor.shape)));
    OrderedJson entry;
    entry["dtype"] = std::string(safetensors_dtype_name(tensor.dtype));
    entry["shape"] = tensor.shape;
    entry["data_offsets"] = {expected_, expected_ + size};
    HONE_CHECK(!header.contains(tensor.name));
    header[tensor.name] = std::move(entry);
    expected_ += size;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // the data begins aligned
  const std::uint64_t length = text.size();
  writer_.write(std::as_bytes(std::span(&length, 1)));
  writer_.write(text);
}

void SafetensorsWriter::write(std::span<const std::byte> bytes) {
  written_ += bytes.size();
  HONE_CHECK(written_ <= expected_);
  writer_.write(bytes);
}

void SafetensorsWriter::finish() {
  HONE_CHECK(written_ == expected_);
  writer_.commit();
}

std::int64_t byte_size(DType dtype, std::int64_t elements) {
  if (dtype == DType::nf4) return elements / 2 + elements % 2;
  const BlockLayout block = block_layout(dtype);
  if (elements < 0 || elements % block.elements != 0)
    throw Error(Exit::input, "ST008", "broken block", std::to_string(elements) + " elements",
                "not a multiple of " + std::to_string(block.elements));
  const auto bytes = checked_multiply(static_cast<std::uint64_t>(elements / block.elements),
                                      static_cast<std::uint64_t>(block.bytes));
  if (!bytes || *bytes > static_cast<std::uint64_t>(INT64_MAX))
    throw Error(Exit::input, "ST008", "bad shape", std::to_string(elements) + " elements",
                "larger than any file");
  return static_cast<std::int64_t>(*bytes);
}

std::int64_t element_count(const std::vector<std::int64_t>& shape) {
  std::uint64_t count = 1;
  for (const std::int64_t dim : shape) {
    const auto product = dim < 0 ? std::nullopt : checked_multiply(count, static_cast<std::uint64_t>(dim));
    if (!product || *product > static_cast<std::uint64_t>(INT64_MAX))
      throw Error(Exit::input, "ST008", "bad shape", std::to_string(dim), "larger than any file");
    count = *product;
  }
  return static_cast<std::int64_t>(count);
}

}  // namespace hone::formats
