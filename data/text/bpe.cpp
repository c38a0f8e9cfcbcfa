#include "data/text/bpe.h"

#include <algorithm>
#include <bit>
#include <queue>

#include "data/text/byte_map.h"
#include "data/text/metaspace.h"
#include "data/text/utf8.h"

namespace hone::data {
namespace {

constexpr std::size_t kShortWord = 48;  // above it a heap beats scanning for the smallest rank

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

std::size_t hash(std::uint64_t key) {
  key *= 0x9E3779B97F4A7C15u;
  return static_cast<std::size_t>(key ^ key >> 32);
}

}  // namespace

MergeTable::MergeTable(const TokenizerSpec& spec)
    : slots_(std::bit_ceil(std::max<std::size_t>(2 * spec.merges.size(), 2))) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t rank = 0; rank < spec.merges.size(); ++rank) {
    const std::uint64_t key = pair_key(spec.merges[rank].first, spec.merges[rank].second);
    std::size_t at = hash(key) & mask;
    while (slots_[at].merge.rank != kNone && slots_[at].key != key) at = (at + 1) & mask;
    slots_[at] = {key, {static_cast<std::uint32_t>(rank), spec.merged[rank]}};
  }
}

MergeTable::Merge MergeTable::find(std::int32_t left, std::int32_t right) const {
  const std::size_t mask = slots_.size() - 1;
  const std::uint64_t key = pair_key(left, right);
  for (std::size_t at = hash(key) & mask;; at = (at + 1) & mask) {
    if (slots_[at].key == key || slots_[at].merge.rank == kNone) return slots_[at].merge;
  }
}

Bpe::Bpe(const TokenizerSpec& spec)
    : merges_(spec),
      characters_(spec.metaspace.has_value()),
      byte_fallback_(characters_ && spec.metaspace->byte_fallback),
      unknown_id_(spec.unknown_id),
      fuse_unknown_(spec.fuse_unknown) {
  byte_ids_.fill(-1);
  for (std::size_t place = 0; place < spec.vocabulary.size(); ++place) {
    const std::string& token = spec.vocabulary[place];
    const auto id = static_cast<std::int32_t>(place);
    if (token.empty()) continue;
    if (characters_) {
      if (const int byte = byte_of_token(token); byte >= 0) byte_ids_[static_cast<std::size_t>(byte)] = id;
      if (code_point_at(token, 0).length == token.size()) character_ids_.emplace(token, id);
      if (spec.ignore_merges) whole_words_.emplace(token, id);
    } else if (auto bytes = bytes_of_token(token)) {
      if (bytes->size() == 1) byte_ids_[static_cast<unsigned char>(bytes->front())] = id;
      if (spec.ignore_merges) whole_words_.emplace(std::move(*bytes), id);
    }
  }
}

void Bpe::encode(std::string_view word, std::vector<Symbol>& out) const {
  out.clear();
  if (!whole_words_.empty()) {
    if (const auto found = whole_words_.find(std::string(word)); found != whole_words_.end()) {
      out.push_back({found->second, 0, word.size()});
      return;
    }
  }
  if (characters_)
    spell_characters(word, out);
  else
    spell_bytes(word, out);
  if (out.size() <= kShortWord)
    merge_short(out);
  else
    merge_long(out);
}

void Bpe::push_unknown(std::size_t begin, std::size_t end, bool after_unknown,
                       std::vector<Symbol>& out) const {
  if (unknown_id_ < 0) return;
  if (fuse_unknown_ && after_unknown)
    out.back().end = end;
  else
    out.push_back({unknown_id_, begin, end});
}

void Bpe::spell_bytes(std::string_view word, std::vector<Symbol>& out) const {
  bool after_unknown = false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const std::int32_t id = byte_ids_[static_cast<unsigned char>(word[i])];
    if (id < 0)
      push_unknown(i, i + 1, after_unknown, out);
    else
      out.push_back({id, i, i + 1});
    after_unknown = id < 0 && unknown_id_ >= 0;
  }
}

void Bpe::spell_characters(std::string_view word, std::vector<Symbol>& out) const {
  bool after_unknown = false;
  for (std::size_t begin = 0, end = 0; begin < word.size(); begin = end) {
    end = begin + code_point_at(word, begin).length;
    const std::string_view character = word.substr(begin, end - begin);
    const auto known = character_ids_.find(std::string(character));
    const auto has_token = [&](char byte) { return byte_ids_[static_cast<unsigned char>(byte)] >= 0; };
    after_unknown = after_unknown && known == character_ids_.end();
    if (known != character_ids_.end()) {
      out.push_back({known->second, begin, end});
    } else if (byte_fallback_ && std::all_of(character.begin(), character.end(), has_token)) {
      for (const char byte : character)
        out.push_back({byte_ids_[static_cast<unsigned char>(byte)], begin, end});
      after_unknown = false;
    } else {
      push_unknown(begin, end, after_unknown, out);
      after_unknown = unknown_id_ >= 0;
    }
  }
}

void Bpe::merge_short(std::vector<Symbol>& word) const {
  std::array<MergeTable::Merge, kShortWord> merges;  // [i]: of symbols i and i + 1
  const auto look_up = [&](std::size_t i) {
    merges[i] = i + 1 < word.size() ? merges_.find(word[i].id, word[i + 1].id) : MergeTable::Merge{};
  };
  for (std::size_t i = 0; i < word.size(); ++i) look_up(i);
  while (word.size() > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < word.size(); ++i)
      if (merges[i].rank < merges[best].rank) best = i;
    if (merges[best].rank == MergeTable::kNone) return;
    word[best].id = merges[best].id;
    word[best].end = word[best + 1].end;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    std::copy(merges.begin() + static_cast<std::ptrdiff_t>(best) + 2,
              merges.begin() + static_cast<std::ptrdiff_t>(word.size()) + 1,
              merges.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    look_up(best);
    if (best > 0) look_up(best - 1);
  }
}

void Bpe::merge_long(std::vector<Symbol>& word) const {
  struct Candidate {
    std::uint32_t rank;
    std::size_t left;  // ties: leftmost first
    std::int32_t left_id, right_id, id;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  constexpr std::size_t kEnd = ~std::size_t{0};
  std::vector<std::size_t> previous(word.size()), next(word.size());
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto propose = [&](std::size_t left) {
    if (left == kEnd || next[left] == kEnd) return;
    const Symbol &a = word[left], &b = word[next[left]];
    const auto merge = merges_.find(a.id, b.id);
    if (merge.rank != MergeTable::kNone) queue.push({merge.rank, left, a.id, b.id, merge.id});
  };
  for (std::size_t i = 0; i < word.size(); ++i) {
    previous[i] = i > 0 ? i - 1 : kEnd;
    next[i] = i + 1 < word.size() ? i + 1 : kEnd;
  }
  for (std::size_t i = 0; i < word.size(); ++i) propose(i);
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    const std::size_t right = next[top.left];
    if (right == kEnd || word[top.left].id != top.left_id || word[right].id != top.right_id) continue;
    word[top.left].id = top.id;
    word[top.left].end = word[right].end;
    word[right].id = -1;
    next[top.left] = next[right];
    if (next[right] != kEnd) previous[next[right]] = top.left;
    propose(previous[top.left]);
    propose(top.left);
  }
  std::erase_if(word, [](const Symbol& symbol) { return symbol.id < 0; });
}

}  // namespace hone::data
