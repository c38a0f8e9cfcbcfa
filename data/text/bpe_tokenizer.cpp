#include "data/text/bpe_tokenizer.h"

#include <algorithm>

#include "core/base/error.h"
#include "data/text/byte_map.h"
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
    const bool after = token.normalized && !spec_.normalizers.empty();
    const std::string content = after ? normalize(token.content, spec_.normalizers).text : token.content;
    (token.normalized ? normalized_ : raw_).add(token, content);
  }
  special_.resize(tokens_.size());
  for (const AddedToken& token : spec_.added) special_[static_cast<std::size_t>(token.id)] = token.special;
  bytes_.reserve(tokens_.size());
  ids_.reserve(tokens_.size());
  for (std::size_t id = 0; id < tokens_.size(); ++id) {
    bytes_.push_back(bytes_of_token(tokens_[id]).value_or(tokens_[id]));
    if (!tokens_[id].empty()) ids_.emplace(tokens_[id], static_cast<std::int32_t>(id));
  }
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

// A text without raw added tokens, which stands at `offset`.
void BpeTokenizer::encode_between(std::string_view text, std::size_t offset,
                                  std::vector<TokenSpan>& out) const {
  NormalizedText changed;
  std::string_view current = text;
  if (!spec_.normalizers.empty()) {
    changed = normalize(text, spec_.normalizers);
    current = changed.text;
  }
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
  std::deque<std::string> storage;
  std::vector<Symbol> word;
  for (const Piece& piece : pre_tokenizer_.cut(text, storage)) {
    bpe_.encode(piece.text, word);
    for (const Symbol& symbol : word)
      out.push_back({symbol.id, offset + from.source_begin(begin + piece.source(symbol.begin)),
                     offset + from.source_end(begin + piece.source(symbol.end))});
  }
}

std::string BpeTokenizer::decode(std::span<const std::int32_t> ids, bool skip_special) const {
  std::string bytes;
  for (const std::int32_t id : ids) {
    // Models often have more rows than their tokenizer has tokens; such an id stands for no text.
    if (id < 0 || id >= vocab_size()) continue;
    const auto place = static_cast<std::size_t>(id);
    if (!(skip_special && special_[place])) bytes += bytes_[place];
  }
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
