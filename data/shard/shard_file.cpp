#include "data/shard/shard_file.h"

#include <algorithm>
#include <array>

#include "core/base/error.h"
#include "data/shard/hdf5_locate.h"

namespace hone::data {
namespace {

[[noreturn]] void fail_shard(const char* code, const std::string& where, const std::string& why) {
  throw Error(Exit::input, code, "shard damaged", where, why, "prepare the data again");
}

CheckedBytes open_checked(const Hdf5Locator& locator, const std::string& path, const ColumnSpec& spec,
                          const std::string& name, std::span<const IntType> types, IntType& type) {
  constexpr std::array digest_type{IntType::u64};
  const DatasetPlace data = locator.dataset(spec.name, name, types);
  const DatasetPlace digests = locator.dataset(spec.name, name + kDigestSuffix, digest_type);
  const std::string where = path + ":/" + kColumnsGroup + "/" + spec.name + "/" + name;
  if (digests.bytes.size() / 8 != (data.bytes.size() + kDigestBlock - 1) / kDigestBlock)
    fail_shard("H5012", where, "the number of its digests is wrong");
  type = data.type;
  return {where,
          data.bytes,
          {reinterpret_cast<const std::uint64_t*>(digests.bytes.data()), digests.bytes.size() / 8}};
}

std::span<const std::uint64_t> as_offsets(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const std::uint64_t*>(bytes.data()), bytes.size() / 8};
}

}  // namespace

CheckedBytes::CheckedBytes(std::string name, std::span<const std::byte> bytes,
                           std::span<const std::uint64_t> digests)
    : name_(std::move(name)),
      bytes_(bytes),
      digests_(digests),
      good_(std::make_unique<std::atomic<bool>[]>(digests.size())) {}

std::span<const std::byte> CheckedBytes::range(std::size_t begin, std::size_t end) const {
  HONE_CHECK(begin <= end && end <= bytes_.size());
  if (begin == end) return {};
  for (std::size_t block = begin / kDigestBlock; block <= (end - 1) / kDigestBlock; ++block) {
    if (good_[block].load(std::memory_order_relaxed)) continue;
    const std::size_t at = block * kDigestBlock;
    if (xxh3(bytes_.subspan(at, std::min(kDigestBlock, bytes_.size() - at))) != digests_[block])
      fail_shard("H5013", name_, "the XXH3 of MiB " + std::to_string(block) + " differs");
    good_[block].store(true, std::memory_order_relaxed);
  }
  return bytes_.subspan(begin, end - begin);
}

void CheckedBytes::fetch(std::size_t begin, std::size_t end) const {
  constexpr std::size_t kLine = 64, kMost = 1024;
  end = std::min({end, begin + kMost, bytes_.size()});
  for (std::size_t at = begin; at < end; at += kLine) __builtin_prefetch(bytes_.data() + at);
}

std::int64_t CheckedBytes::checked_blocks() const {
  return std::count_if(good_.get(), good_.get() + digests_.size(),
                       [](const auto& good) { return good.load(); });
}

ShardFile::ShardFile(const std::string& path, std::span<const ColumnSpec> schema) : map_(path) {
  const Hdf5Locator locator(path, map_.bytes());
  const std::uint64_t version = locator.attribute(kVersionAttribute);
  if (version != kShardFormatVersion)
    throw Error(
        Exit::input, "H5014", "shard format not supported", path,
        "version " + std::to_string(version) + ", this program reads " + std::to_string(kShardFormatVersion));
  for (const HeaderAttribute& attribute : kHeaderAttributes)
    header_.*attribute.field = locator.attribute(attribute.name);
  if (header_.rows == 0 || header_.rows > map_.bytes().size())
    fail_shard("H5012", path, "says it has " + std::to_string(header_.rows) + " rows");
  for (const ColumnSpec& spec : schema) columns_.push_back(open_column(locator, spec));
}

std::int64_t ShardFile::checked_blocks() const {
  std::int64_t count = 0;
  for (const MappedColumn& column : columns_)
    count += column.values.checked_blocks() + column.offsets.checked_blocks();
  return count;
}

ShardFile::MappedColumn ShardFile::open_column(const Hdf5Locator& locator, const ColumnSpec& spec) const {
  MappedColumn column{spec.name, IntType::i32, spec.ragged, {}, {}, 0};
  column.values = open_checked(locator, path(), spec, "values", spec.types, column.type);
  column.count = column.values.size() / size_of(column.type);
  const std::string where = path() + ":/" + kColumnsGroup + "/" + spec.name;
  if (!spec.ragged) {
    if (column.count != header_.rows) fail_shard("H5012", where, "one value a row was expected");
    return column;
  }
  constexpr std::array offset_type{IntType::u64};
  IntType type{};
  column.offsets = open_checked(locator, path(), spec, "offsets", offset_type, type);
  if (column.offsets.size() / 8 != header_.rows + 1)
    fail_shard("H5012", where, "rows + 1 offsets were expected");
  if (extent(column, 0).begin != 0) fail_shard("H5012", where, "the first offset is not 0");
  return column;
}

ShardFile::Extent ShardFile::extent(const MappedColumn& column, std::uint64_t row) const {
  HONE_CHECK(row < header_.rows);
  if (!column.ragged) return {row, row + 1};
  const auto pair = as_offsets(column.offsets.range(row * 8, row * 8 + 16));
  if (pair[0] > pair[1] || pair[1] > column.count)
    fail_shard("H5012", path() + ":/" + kColumnsGroup + "/" + column.name + "/offsets",
               "row " + std::to_string(row) + " lies outside the values");
  return {pair[0], pair[1]};
}

void ShardFile::fetch_place(std::size_t column, std::uint64_t row) const {
  columns_[column].offsets.fetch(row * 8, row * 8 + 16);
}

void ShardFile::fetch_row(std::size_t column, std::uint64_t row, std::uint64_t begin,
                          std::uint64_t end) const {
  const Extent e = extent(columns_[column], row);
  const std::size_t size = size_of(columns_[column].type);
  columns_[column].values.fetch((e.begin + begin) * size, std::min(e.end, e.begin + end) * size);
}

std::uint64_t ShardFile::row_length(std::size_t column, std::uint64_t row) const {
  const Extent e = extent(columns_[column], row);
  return e.end - e.begin;
}

std::span<const std::byte> ShardFile::row_bytes(std::size_t column, std::uint64_t row, std::uint64_t begin,
                                                std::uint64_t end, IntType type) const {
  const MappedColumn& mapped = columns_[column];
  HONE_CHECK(mapped.type == type);
  const Extent e = extent(mapped, row);
  const std::uint64_t length = e.end - e.begin;
  end = std::min(end, length);
  return mapped.values.range((e.begin + std::min(begin, end)) * size_of(type),
                             (e.begin + end) * size_of(type));
}

}  // namespace hone::data
