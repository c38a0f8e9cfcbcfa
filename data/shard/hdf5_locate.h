#pragma once
// The only door through which the HDF5 library reads a file that somebody else may have made.
#include <span>
#include <string>
#include <vector>

#include "data/shard/hdf5_types.h"

namespace hone::data {

struct DatasetPlace {
  IntType type = IntType::i32;
  std::span<const std::byte> bytes;  // inside the map
};

// An HDF5 file opened read-only beside its memory map.
class Hdf5Locator {
 public:
  Hdf5Locator(const std::string& path, std::span<const std::byte> map);
  std::uint64_t attribute(const char* name) const;  // a u64 scalar of the root
  // Dataset columns/COLUMN/NAME, one-dimensional, of one of `types`.
  DatasetPlace dataset(const std::string& column, const std::string& name,
                       std::span<const IntType> types) const;

 private:
  Hdf5Handle group(hid_t parent, const std::string& name, const std::string& place) const;
  [[noreturn]] void fail(const char* code, const std::string& place, const std::string& why) const;
  void require_hard_link(hid_t parent, const std::string& name, const std::string& place) const;
  void require_kind(hid_t object, H5O_type_t kind, const std::string& place) const;
  void require_plain_layout(hid_t dataset, const std::string& place) const;
  IntType matching_type(hid_t dataset, std::span<const IntType> types, const std::string& place) const;
  std::uint64_t element_count(hid_t dataset, const std::string& place) const;

  std::string path_;
  std::span<const std::byte> map_;
  Hdf5Handle file_;
};

}  // namespace hone::data
