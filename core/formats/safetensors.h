#pragma once
// safetensors: 8-byte little-endian header length, JSON header, tensor bytes (huggingface/safetensors README).
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/file_system.h"
#include "core/formats/tensor_source.h"

namespace hone::formats {

struct SafetensorsEntry {
  TensorInfo info;
  std::span<const std::byte> bytes;  // into the mapped file
};

// Maps and checks one file: every rule of the format (no holes, no overlap, no trailing bytes, known types,
// checked products) or Error(Exit::input, "ST0xx"). Pickle and zip files are refused by their magic (IN001).
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::string& path);
  const std::vector<SafetensorsEntry>& entries() const { return entries_; }  // sorted by name
  const SafetensorsEntry* find(std::string_view name) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::string& path() const { return file_->path(); }

 private:
  std::shared_ptr<MappedFile> file_;
  std::vector<SafetensorsEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

// Streams tensors to a new file: the header is laid out first, then each tensor's bytes are written in the
// order given. Atomic: the file appears under its name at finish(). Errors: exit 8.
class SafetensorsWriter {
 public:
  SafetensorsWriter(const std::string& path, std::vector<TensorInfo> tensors,
                    const std::map<std::string, std::string>& metadata = {{"format", "pt"}});
  void write(std::span<const std::byte> bytes);  // may be called several times per tensor
  void finish();                                 // checks that every byte announced was written

 private:
  AtomicFileWriter writer_;
  std::uint64_t expected_ = 0, written_ = 0;
};

std::int64_t byte_size(DType dtype, std::int64_t elements);  // throws for block types with a broken block
std::int64_t element_count(const std::vector<std::int64_t>& shape);  // checked product

}  // namespace hone::formats
