#pragma once
// A shard opened for reading: the library checks the structure once and says where the data lies, then every
// read goes through the memory map. Nothing in the file is trusted: only the paths of our schema are opened,
// hard links only, exact types, contiguous, inside the file; each MiB is checked against its XXH3 when first
// touched. Errors: exit 3, H50xx, naming file and dataset. All const members may be called from several
// threads.
#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/file_system.h"
#include "data/shard/columns.h"

namespace hone::data {

class Hdf5Locator;

// One dataset in the map.
class CheckedBytes {
 public:
  CheckedBytes() = default;
  CheckedBytes(std::string name, std::span<const std::byte> bytes, std::span<const std::uint64_t> digests);
  std::size_t size() const { return bytes_.size(); }
  std::int64_t checked_blocks() const;
  std::span<const std::byte> range(std::size_t begin, std::size_t end) const;  // inside, checked
  void fetch(std::size_t begin, std::size_t end) const;  // into the cache, unchecked: its first KiB; a hint

 private:
  std::string name_;
  std::span<const std::byte> bytes_;
  std::span<const std::uint64_t> digests_;
  std::unique_ptr<std::atomic<bool>[]> good_;  // per block
};

class ShardFile {
 public:
  ShardFile(const std::string& path, std::span<const ColumnSpec> schema);

  const std::string& path() const { return map_.path(); }
  const ShardHeader& header() const { return header_; }
  IntType type(std::size_t column) const { return columns_[column].type; }
  std::int64_t checked_blocks() const;                         // MiB touched so far
  std::uint64_t digest() const { return xxh3(map_.bytes()); }  // of the whole file: reads all of it

  // Number of values in a row of a ragged column.
  std::uint64_t row_length(std::size_t column, std::uint64_t row) const;
  // Values [begin, end) of a row, as far as it has them; T must be the column's type. A fixed column's row
  // has one.
  template <class T>
  std::span<const T> row(std::size_t column, std::uint64_t row, std::uint64_t begin = 0,
                         std::uint64_t end = ~std::uint64_t{0}) const {
    const auto bytes = row_bytes(column, row, begin, end, int_type_of<T>());
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  // Hints that row() is going to be asked: first for where many rows lie, then for what is there.
  void fetch_place(std::size_t column, std::uint64_t row) const;
  void fetch_row(std::size_t column, std::uint64_t row, std::uint64_t begin, std::uint64_t end) const;

 private:
  struct MappedColumn {
    std::string name;
    IntType type = IntType::i32;
    bool ragged = false;
    CheckedBytes values, offsets;
    std::uint64_t count = 0;  // values
  };
  struct Extent {
    std::uint64_t begin, end;
  };
  MappedColumn open_column(const Hdf5Locator& locator, const ColumnSpec& spec) const;
  Extent extent(const MappedColumn& column, std::uint64_t row) const;
  std::span<const std::byte> row_bytes(std::size_t column, std::uint64_t row, std::uint64_t begin,
                                       std::uint64_t end, IntType type) const;

  MappedFile map_;
  ShardHeader header_;
  std::vector<MappedColumn> columns_;
};

}  // namespace hone::data
