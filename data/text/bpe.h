#pragma once
// The merges of BPE: bytes (or, where words are marked, characters) of one pre-token to ids.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/text/tokenizer_spec.h"

namespace hone::data {

// A token of a word: its id and the bytes [begin, end) of the word it covers.
struct Symbol {
  std::int32_t id = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Open addressing from a pair of ids to what they merge to.
class MergeTable {
 public:
  struct Merge {
    std::uint32_t rank = kNone;
    std::int32_t id = -1;
  };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  explicit MergeTable(const TokenizerSpec& spec);
  Merge find(std::int32_t left, std::int32_t right) const;

 private:
  struct Slot {
    std::uint64_t key = ~std::uint64_t{0};
    Merge merge;
  };
  std::vector<Slot> slots_;
};

// Immutable; used by many threads at once.
class Bpe {
 public:
  explicit Bpe(const TokenizerSpec& spec);
  // Replaces `out` by the tokens of `word`.
  void encode(std::string_view word, std::vector<Symbol>& out) const;

 private:
  void spell_bytes(std::string_view word, std::vector<Symbol>& out) const;
  void spell_characters(std::string_view word, std::vector<Symbol>& out) const;
  void push_unknown(std::size_t begin, std::size_t end, bool after_unknown, std::vector<Symbol>& out) const;
  void merge_short(std::vector<Symbol>& word) const;
  void merge_long(std::vector<Symbol>& word) const;

  MergeTable merges_;
  bool characters_;  // the alphabet
  bool byte_fallback_ = false;
  std::array<std::int32_t, 256> byte_ids_;  // of characters: those of <0x00> to <0xFF>
  std::unordered_map<std::string, std::int32_t> character_ids_;
  std::unordered_map<std::string, std::int32_t> whole_words_;  // filled where merges are ignored for them
  std::int32_t unknown_id_;
  bool fuse_unknown_;
};

}  // namespace hone::data
