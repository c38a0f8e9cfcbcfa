#pragma once
// Everything that defines a BPE tokenizer, of bytes or of characters with marked words, whatever file it came
// from. Loaders fill it, BpeTokenizer runs it, the exporter writes it.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hone::data {

constexpr std::int32_t kMaxVocabulary = 1 << 20;
constexpr std::size_t kMaxTokenBytes = 4096;
constexpr std::size_t kMaxAddedTokens = 65536;

struct AddedToken {
  std::string content;
  std::int32_t id = 0;
  bool special = false;      // skipped by decode(skip_special)
  bool lstrip = false;       // takes the white space before it
  bool rstrip = false;       // and after it
  bool single_word = false;  // only between characters that are not of a word
  bool normalized = false;   // looked for after normalisation, not before
};

enum class Normalization { nfc, nfd, nfkc, nfkd };
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

struct PreTokenizerStep {
  enum class Kind { digits, split, byte_level };
  Kind kind = Kind::byte_level;
  bool individual = false;                           // digits: each alone, else runs
  std::string pattern = {};                          // split: a regex, or a literal text
  bool literal = false;                              // split
  bool invert = false;                               // split: what is between the matches counts as the match
  SplitBehavior behavior = SplitBehavior::isolated;  // split
  bool add_prefix_space = false;                     // byte_level
  bool use_regex = true;                             // byte_level: split by GPT-2's pattern
};

// Words marked by U+2581 before them, in place of the byte alphabet: BPE merges characters.
struct Metaspace {
  enum class Prepend {
    never,
    first,
    always
  };  // the mark before a text: before its beginning, or after added tokens too
  Prepend prepend = Prepend::always;
  bool normalizer = false;    // the marks are set where normalisation is done, else where words are cut
  bool split = false;         // merges stay within a word
  bool byte_fallback = true;  // a character without a token becomes tokens of its bytes, <0x00> to <0xFF>
  bool strip = false;         // decode() takes one space off the beginning
};

struct TokenizerSpec {
  std::string source;                   // file, for messages
  std::vector<std::string> vocabulary;  // by id, byte-level characters; empty: a hole or only an added token
  std::vector<std::pair<std::int32_t, std::int32_t>> merges;  // by rank
  std::vector<std::int32_t> merged;                           // the token each merge makes
  std::vector<AddedToken> added;
  std::vector<Normalization> normalizers;
  std::vector<PreTokenizerStep> pre_tokenizers;  // ends with byte_level; none with marked words
  std::optional<Metaspace> metaspace;  // words are marked: the vocabulary is of characters, not of bytes
  std::vector<std::int32_t> prefix, suffix;  // what the post-processor adds around a text
  bool ignore_merges = false;                // a word that is a token is taken whole
  bool fuse_unknown = false;
  std::int32_t unknown_id = -1;  // for bytes that have no token; -1: they are dropped
  std::int32_t bos_id = -1, eos_id = -1, pad_id = -1, unk_id = -1;
  std::string chat_template;
};

// Fills `merged` from the texts of the merges' sides and checks what no loader may let through: ids in range,
// tokens unique and short enough, merges of known tokens. Throws Error(Exit::input, "TK0xx").
void validate(TokenizerSpec& spec);

// Adds what is not there yet, with the ids that Hugging Face's tokenizers give: a token of the vocabulary
// keeps its own, others follow the last one. Validates again.
void add_special_tokens(TokenizerSpec& spec, const std::vector<std::string>& tokens);

}  // namespace hone::data
