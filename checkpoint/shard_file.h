#pragma once
// One shard file: a plain HDF5 file with one contiguous dataset a tensor, nothing else (fp32 and u8 as such,
// bf16 as its 16 bits). It is built as an image in memory, so that HDF5 never writes to disk, and read only
// after its bytes were found to be the ones that the manifest's digest names.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/hdf5_handle.h"
#include "checkpoint/manifest.h"

namespace hone::checkpoint {

struct ImageDataset {
  std::string name;
  StateType type = StateType::f32;
  std::vector<std::span<const std::byte>> segments;  // stored one after the other; not owned
};

// Room for everything in a file that is not values.
inline constexpr std::int64_t kImageOverhead = 16384;

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
using ImageMemory = std::unique_ptr<void, FreeMemory>;

// How HDF5 names the values of a type, in a file and, this machine being little-endian, in memory.
hid_t hdf5_type(StateType type);

// The bytes of a file. The same datasets give the same bytes.
class ShardImage {
 public:
  explicit ShardImage(const std::vector<ImageDataset>& datasets);
  ShardImage(const ShardImage&) = delete;
  ShardImage& operator=(const ShardImage&) = delete;
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(memory_.get()), size_}; }

 private:
  ImageMemory memory_;
  std::size_t size_ = 0;
};

// Size and digest of the file `entry` in `folder`. Throws Error(Exit::checkpoint, "CK005" damaged, "CK006"
// missing).
void check_shard_file(const std::string& folder, const FileEntry& entry);

// A file that check_shard_file accepted, opened. Every dataset must be what build_image writes (CK008): hard
// link, the tensor's type, one fixed dimension of the manifest's length, contiguous, inside the file.
class ShardReader {
 public:
  ShardReader(const std::string& folder, const FileEntry& entry);
  // `count` values of `part` from its value `offset` on.
  void read(const FilePart& part, StateType type, std::int64_t offset, std::int64_t count,
            std::byte* out) const;
  void check_schema(const FileEntry& entry, const Manifest& manifest) const;

 private:
  std::string path_;
  std::unique_ptr<Hdf5Handle> file_;
};

}  // namespace hone::checkpoint
