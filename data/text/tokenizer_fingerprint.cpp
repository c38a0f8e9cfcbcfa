#include "data/text/tokenizer_fingerprint.h"

#include <xxhash.h>

#include <algorithm>
#include <string_view>

namespace hone::data {
namespace {

// Every part carries its length or is of fixed size, so that no two specs feed the same bytes.
class Canonical {
 public:
  void number(std::int64_t value) {
    for (int shift = 0; shift < 64; shift += 8) bytes_.push_back(static_cast<char>(value >> shift & 0xFF));
  }
  void text(std::string_view value) {
    number(static_cast<std::int64_t>(value.size()));
    bytes_ += value;
  }
  std::uint64_t digest() const { return XXH3_64bits(bytes_.data(), bytes_.size()); }

 private:
  std::string bytes_;
};

}  // namespace

std::uint64_t fingerprint_of(const TokenizerSpec& spec) {
  Canonical out;
  out.text("hone tokenizer 1");
  out.number(static_cast<std::int64_t>(spec.vocabulary.size()));
  for (const std::string& token : spec.vocabulary) out.text(token);
  out.number(static_cast<std::int64_t>(spec.merges.size()));
  for (const auto& [left, right] : spec.merges) {
    out.number(left);
    out.number(right);
  }
  std::vector<AddedToken> added = spec.added;
  std::sort(added.begin(), added.end(), [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  for (const AddedToken& token : added) {
    out.number(token.id);
    out.text(token.content);
    out.number(token.special | token.lstrip << 1 | token.rstrip << 2 | token.single_word << 3 |
               token.normalized << 4);
  }
  out.number(static_cast<std::int64_t>(spec.normalizers.size()));
  for (const Normalization form : spec.normalizers) out.number(static_cast<int>(form));
  for (const PreTokenizerStep& step : spec.pre_tokenizers) {
    out.number(static_cast<int>(step.kind));
    out.text(step.pattern);
    out.number(step.individual | step.literal << 1 | step.invert << 2 | step.add_prefix_space << 3 |
               step.use_regex << 4 | static_cast<int>(step.behavior) << 5);
  }
  if (const auto& rule = spec.metaspace)
    out.number(1 << 8 | static_cast<int>(rule->prepend) | rule->normalizer << 2 | rule->split << 3 |
               rule->byte_fallback << 4);
  for (const auto* ids : {&spec.prefix, &spec.suffix}) {
    out.number(static_cast<std::int64_t>(ids->size()));
    for (const std::int32_t id : *ids) out.number(id);
  }
  for (const std::int64_t value :
       {static_cast<std::int64_t>(spec.ignore_merges), static_cast<std::int64_t>(spec.fuse_unknown),
        static_cast<std::int64_t>(spec.unknown_id), static_cast<std::int64_t>(spec.bos_id),
        static_cast<std::int64_t>(spec.eos_id)})
    out.number(value);
  return out.digest();
}

}  // namespace hone::data
