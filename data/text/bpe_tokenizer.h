#pragma once
// The Tokenizer of a TokenizerSpec: added tokens, normalisation, pre-tokenization, merges, special tokens
// around.
#include <string>
#include <unordered_map>
#include <vector>

#include "data/text/added_tokens.h"
#include "data/text/bpe.h"
#include "data/text/normalizer.h"
#include "data/text/pre_tokenizer.h"
#include "data/text/tokenizer.h"

namespace hone::data {

class BpeTokenizer final : public Tokenizer {
 public:
  explicit BpeTokenizer(TokenizerSpec spec);  // of a validated spec
  std::vector<std::int32_t> encode(std::string_view text, bool add_special) const override;
  std::vector<std::int32_t> encode_prompt(std::string_view text) const override;
  std::vector<TokenSpan> encode_spans(std::string_view text) const override;
  std::string decode(std::span<const std::int32_t> ids, bool skip_special) const override;
  const std::string& token(std::int32_t id) const override;
  std::optional<std::int32_t> id(std::string_view token) const override;
  std::int32_t vocab_size() const override { return static_cast<std::int32_t>(tokens_.size()); }
  std::int32_t bos_id() const override { return spec_.bos_id; }
  std::int32_t eos_id() const override { return spec_.eos_id; }
  std::uint64_t fingerprint() const override { return fingerprint_; }
  const std::string& chat_template_source() const override { return spec_.chat_template; }

 private:
  void encode_valid(std::string_view text, std::vector<TokenSpan>& out) const;
  void encode_between(std::string_view text, std::size_t offset, std::vector<TokenSpan>& out) const;
  NormalizedText normalized(std::string_view text, bool at_start) const;
  void encode_marked(std::string_view text, const NormalizedText& from, std::size_t begin, std::size_t offset,
                     std::vector<TokenSpan>& out) const;
  void encode_plain(std::string_view text, const NormalizedText& from, std::size_t begin, std::size_t offset,
                    std::vector<TokenSpan>& out) const;

  TokenizerSpec spec_;
  std::vector<std::string> tokens_;  // by id: vocabulary and added tokens
  std::vector<std::string> bytes_;   // what each decodes to
  std::vector<std::uint8_t> special_;
  std::unordered_map<std::string, std::int32_t> ids_;
  AddedTokenMatcher raw_, normalized_;  // looked for before and after normalisation
  PreTokenizer pre_tokenizer_;
  Bpe bpe_;
  std::uint64_t fingerprint_ = 0;
};

}  // namespace hone::data
