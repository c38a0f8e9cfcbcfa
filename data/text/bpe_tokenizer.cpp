#include "data/text/bpe_tokenizer.h"

#include <algorithm>

#include "core/base/error.h"
#include "data/text/byte_map.h"
#include "data/text/metaspace.h"
#include "data/text/tokenizer_fingerprint.h"
#include "data/text/utf8.h"

namespace hone::data {

BpeTokenizer::BpeTokenizer(TokenizerSpec spec)
    : spec_(std::move(spec)),
      pre_tokenizer_(spec_.pre_tokenizers, spec_.source),
      bpe_(spec_),
      fingerprint_(fingerprint_of(spec_)) {
  tokens_ = spec_.vocabulary;
  for (const AddedToken& token : spec_.added) {
    const auto place = static_cast<std::size_t>(token.id);
    if (place >= tokens_.size()) tokens_.resize(place + 1);
    tokens_[place] = token.content;
    const std::string content = token.normalized ? normalized(token.content, true).text : token.content;
    (token.normalized ? normalized_ : raw_).add(token, content);
  }
  special_.resize(tokens_.size());
  for (const AddedToken& token : spec_.added) special_[static_cast<std::size_t>(token.id)] = token.special;
  bytes_.reserve(tokens_.size());
  ids_.reserve(tokens_.size());
  for (std::size_t id = 0; id < tokens_.size(); ++id) {
    bytes_.push_back(spec_.metaspace ? unmarked(tokens_[id])
                                     : bytes_of_token(tokens_[id]).value_or(tokens_[id]));
    if (!tokens_[id].empty()) ids_.emplace(tokens_[id], static_cast<std::int32_t>(id));
  }
  if (!spec_.metaspace) return;
  for (const AddedToken& token : spec_.added)  // one that is found with its mark also comes back with it
    if (token.normalized)
      bytes_[static_cast<std::size_t>(token.id)] = unmarked(normalized(token.content, true).text);
}

std::vector<std::int32_t> BpeTokenizer::encode(std::string_view text, bool add_special) const {
  const std::vector<TokenSpan> spans = encode_spans(text);
  std::vector<std::int32_t> ids;
  ids.reserve(spans.size() + spec_.prefix.size() + spec_.suffix.size());
  if (add_special) ids = spec_.prefix;
  for (const TokenSpan& span : spans) ids.push_back(span.id);
  if (add_special) ids.insert(ids.end(), spec_.suffix.begin(), spec_.suffix.end());
  return ids;
}

std::vector<std::int32_t> BpeTokenizer::encode_prompt(std::string_view text) const {
  std::vector<std::int32_t> ids = encode(text, true);
  ids.resize(ids.size() - spec_.suffix.size());
  return ids;
}

std::vector<TokenSpan> BpeTokenizer::encode_spans(std::string_view text) const {
  std::vector<TokenSpan> out;
  if (is_valid_utf8(text))
    encode_valid(text, out);
  else
    encode_valid(replace_invalid_utf8(text), out);
  return out;
}

void BpeTokenizer::encode_valid(std::string_view text, std::vector<TokenSpan>& out) const {
  for (const Stretch& stretch : raw_.split(text)) {
    if (stretch.id >= 0)
      out.push_back({stretch.id, stretch.begin, stretch.end});
    else
      encode_between(text.substr(stretch.begin, stretch.end - stretch.begin), stretch.begin, out);
  }
}

NormalizedText BpeTokenizer::normalized(std::string_view text, bool at_start) const {
  NormalizedText changed = normalize(text, spec_.normalizers);
  const bool marks = spec_.metaspace && spec_.metaspace->normalizer;
  return marks ? mark_words(std::move(changed), *spec_.metaspace, at_start) : changed;
}

// A text without raw added tokens, which stands at `offset`.
void BpeTokenizer::encode_between(std::string_view text, std::size_t offset,
                                  std::vector<TokenSpan>& out) const {
  const NormalizedText changed = normalized(text, offset == 0);
  const std::string_view current = changed.text;
  if (normalized_.empty()) return encode_plain(current, changed, 0, offset, out);
  for (const Stretch& stretch : normalized_.split(current)) {
    if (stretch.id >= 0)
      out.push_back({stretch.id, offset + changed.source_begin(stretch.begin),
                     offset + changed.source_end(stretch.end)});
    else
      encode_plain(current.substr(stretch.begin, stretch.end - stretch.begin), changed, stretch.begin, offset,
                   out);
  }
}

// A normalised text without added tokens: `begin` is its place in `from`, which was made of the text at
// `offset`.
void BpeTokenizer::encode_plain(std::string_view text, const NormalizedText& from, std::size_t begin,
                                std::size_t offset, std::vector<TokenSpan>& out) const {
  if (spec_.metaspace) return encode_marked(text, from, begin, offset, out);
  std::deque<std::string> storage;
  std::vector<Symbol> word;
  for (const Piece& piece : pre_tokenizer_.cut(text, storage)) {
    bpe_.encode(piece.text, word);
    for (const Symbol& symbol : word)
      out.push_back({symbol.id, offset + from.source_begin(begin + piece.source(symbol.begin)),
                     offset + from.source_end(begin + piece.source(symbol.end))});
  }
}

// The same with marked words.
void BpeTokenizer::encode_marked(std::string_view text, const NormalizedText& from, std::size_t begin,
                                 std::size_t offset, std::vector<TokenSpan>& out) const {
  const Metaspace& rule = *spec_.metaspace;
  NormalizedText marked{std::string(text), {}, {}};
  if (!rule.normalizer) marked = mark_words(std::move(marked), rule, offset + from.source_begin(begin) == 0);
  const std::string_view all = marked.text;
  std::vector<Symbol> word;
  for (std::size_t at = 0, end = 0; at < all.size(); at = end) {
    end = rule.split ? std::min(all.find(kMetaspace, at + 1), all.size()) : all.size();
    bpe_.encode(all.substr(at, end - at), word);
    for (const Symbol& symbol : word)
      out.push_back({symbol.id, offset + from.source_begin(begin + marked.source_begin(at + symbol.begin)),
                     offset + from.source_end(begin + marked.source_end(at + symbol.end))});
  }
}

std::string BpeTokenizer::decode(std::span<const std::int32_t> ids, bool skip_special) const {
  std::string bytes,
      fallback;  // fallback: bytes of a character that has no token of its own, as far as it goes
  const auto flush = [&] {
    if (is_valid_utf8(fallback))
      bytes += fallback;
    else  // each byte alone, as Hugging Face's decoder does
      for (std::size_t i = 0; i < fallback.size(); ++i) bytes += "\uFFFD";
    fallback.clear();
  };
  for (const std::int32_t id : ids) {
    // Models often have more rows than their tokenizer has tokens; such an id stands for no text.
    if (id < 0 || id >= vocab_size()) continue;
    const auto place = static_cast<std::size_t>(id);
    if (skip_special && special_[place]) continue;
    if (const int byte = spec_.metaspace ? byte_of_token(tokens_[place]) : -1; byte >= 0) {
      fallback += static_cast<char>(byte);
      continue;
    }
    flush();
    bytes += bytes_[place];
  }
  flush();
  if (spec_.metaspace && spec_.metaspace->strip && bytes.starts_with(' ')) bytes.erase(0, 1);
  return is_valid_utf8(bytes) ? bytes : replace_invalid_utf8(bytes);
}

const std::string& BpeTokenizer::token(std::int32_t id) const {
  if (id < 0 || id >= vocab_size())
    throw Error(Exit::input, "TK011", "no such token", spec_.source,
                "id " + std::to_string(id) + ", the vocabulary has " + std::to_string(vocab_size()));
  return tokens_[static_cast<std::size_t>(id)];
}

std::optional<std::int32_t> BpeTokenizer::id(std::string_view token) const {
  const auto found = ids_.find(std::string(token));
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

}  // namespace hone::data
