#pragma once
// Text to token ids and back, exactly as the model's own tokenizer does it. Immutable after loading; encode
// and decode are thread-safe.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::data {

// A token and the bytes [begin, end) of the text it came from. Tokens of one character may share its bytes.
struct TokenSpan {
  std::int32_t id = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  // `add_special`: what the tokenizer's post-processor adds (BOS and the like). Special tokens inside the
  // text are recognised. Nothing is truncated or padded. Invalid UTF-8 is replaced by U+FFFD as Python would.
  virtual std::vector<std::int32_t> encode(std::string_view text, bool add_special) const = 0;
  // A text to go on from: as encode with special tokens, without those that the post-processor adds at its end.
  virtual std::vector<std::int32_t> encode_prompt(std::string_view text) const = 0;
  // As encode without what the post-processor adds. Positions are those of the text after the replacement of
  // invalid UTF-8.
  virtual std::vector<TokenSpan> encode_spans(std::string_view text) const = 0;
  virtual std::string decode(std::span<const std::int32_t> ids, bool skip_special) const = 0;
  virtual const std::string& token(std::int32_t id) const = 0;  // vocabulary entry as stored
  virtual std::optional<std::int32_t> id(std::string_view token) const = 0;
  virtual std::int32_t vocab_size() const = 0;  // ids are in [0, vocab_size)
  virtual std::int32_t bos_id() const = 0;      // -1: none
  virtual std::int32_t eos_id() const = 0;      // -1: none
  virtual std::uint64_t fingerprint() const = 0;
  virtual const std::string& chat_template_source() const = 0;  // the model's own Jinja text, or empty
};

// From an HF folder (tokenizer.json, tokenizer_config.json) or a GGUF file's metadata, with special tokens
// added as transformers' add_tokens(..., special_tokens=True) does. Errors: exit 3, TK0xx.
std::unique_ptr<Tokenizer> load_tokenizer(const std::string& model_path,
                                          const std::vector<std::string>& new_tokens = {});

// Writes tokenizer.json, tokenizer_config.json, special_tokens_map.json (and the chat template) so that HF's
// libraries load the same tokenizer. From a folder the files are copied, with the new tokens in them; from a
// GGUF they are made. `chat_template`, where it is not empty, takes the place of the model's own.
void export_tokenizer(const std::string& model_path, const std::string& output_folder,
                      const std::vector<std::string>& new_tokens = {}, const std::string& chat_template = {});

// The Jinja text in a folder's tokenizer_config.json or chat_template.jinja; empty where there is none.
std::string stored_chat_template(const std::string& folder);

}  // namespace hone::data
