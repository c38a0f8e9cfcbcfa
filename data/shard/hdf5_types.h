#pragma once
// Our integer types as HDF5 types, and the names in a shard, shared by its writer and its reader.
#include <array>
#include <utility>

#include "data/shard/columns.h"
#include "data/shard/hdf5_handles.h"

namespace hone::data {

inline hid_t hdf5_type(IntType type) {
  switch (type) {
    case IntType::u8:
      return H5T_STD_U8LE;
    case IntType::u16:
      return H5T_STD_U16LE;
    case IntType::i32:
      return H5T_STD_I32LE;
    case IntType::u32:
      return H5T_STD_U32LE;
    case IntType::i64:
      return H5T_STD_I64LE;
    case IntType::u64:
      break;
  }
  return H5T_STD_U64LE;
}

constexpr const char* kVersionAttribute = "format_version";
constexpr const char* kColumnsGroup = "columns";
constexpr const char* kDigestSuffix = "_xxh3";

struct HeaderAttribute {
  const char* name;
  std::uint64_t ShardHeader::*field;
};
constexpr std::array<HeaderAttribute, 4> kHeaderAttributes{{{"rows", &ShardHeader::rows},
                                                            {"vocab_size", &ShardHeader::vocab_size},
                                                            {"tokenizer", &ShardHeader::tokenizer},
                                                            {"chat_template", &ShardHeader::chat_template}}};

}  // namespace hone::data
