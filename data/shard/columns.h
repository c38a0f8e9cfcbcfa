#pragma once
// What a shard is made of, for every task: named columns of fixed-length little-endian integers. A fixed
// column has one value a row; a ragged one has values of all rows end to end and rows + 1 offsets into them.
//
//   attributes of /      format_version, rows, vocab_size, tokenizer, chat_template
//   /columns/NAME/values             and values_xxh3: XXH3 of each MiB of it
//   /columns/NAME/offsets (ragged)   and offsets_xxh3
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hone::data {

constexpr std::uint64_t kShardFormatVersion = 1;
constexpr std::size_t kDigestBlock = std::size_t{1} << 20;

enum class IntType { u8, u16, i32, u32, i64, u64 };
std::size_t size_of(IntType type);

template <class T>
constexpr IntType int_type_of();
template <>
constexpr IntType int_type_of<std::uint8_t>() {
  return IntType::u8;
}
template <>
constexpr IntType int_type_of<std::uint16_t>() {
  return IntType::u16;
}
template <>
constexpr IntType int_type_of<std::int32_t>() {
  return IntType::i32;
}
template <>
constexpr IntType int_type_of<std::uint32_t>() {
  return IntType::u32;
}
template <>
constexpr IntType int_type_of<std::int64_t>() {
  return IntType::i64;
}
template <>
constexpr IntType int_type_of<std::uint64_t>() {
  return IntType::u64;
}

struct ShardHeader {
  std::uint64_t rows = 0;
  std::uint64_t vocab_size = 0;  // ids are below it
  std::uint64_t tokenizer = 0;   // fingerprints
  std::uint64_t chat_template = 0;
  bool operator==(const ShardHeader&) const = default;
};

// A column to write.
struct Column {
  std::string name;
  IntType type = IntType::i32;
  bool ragged = false;
  std::vector<std::byte> values;
  std::vector<std::uint64_t> offsets{0};  // ragged only

  template <class T>
  void append(std::span<const T> row) {
    const auto bytes = std::as_bytes(row);
    values.insert(values.end(), bytes.begin(), bytes.end());
    offsets.push_back(offsets.back() + row.size());
  }
};

// A column that a reader expects; `types` lists those it accepts.
struct ColumnSpec {
  std::string name;
  std::vector<IntType> types;
  bool ragged = false;
};

std::uint64_t xxh3(std::span<const std::byte> bytes);
std::string hex_digits(std::uint64_t digest);  // 16 of them
std::vector<std::uint64_t> block_digests(std::span<const std::byte> bytes);

}  // namespace hone::data
