#include "data/text/splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/base/error.h"
#include "data/text/utf8.h"
#include "data/text/well_known_splitter.h"

namespace hone::data {
namespace {

constexpr std::size_t kMaxPattern = 4096;
constexpr std::uint32_t kMatchLimit = 1'000'000;
constexpr std::uint32_t kDepthLimit = 100'000;
constexpr std::uint32_t kHeapLimitKib = 64 * 1024;
constexpr std::uint32_t kParenthesesLimit = 50;

class WellKnownSplitter final : public Splitter {
 public:
  using Match = std::size_t (*)(std::string_view, std::size_t);
  explicit WellKnownSplitter(Match match) : match_(match) {}
  void find(std::string_view text, std::vector<Range>& matches) const override {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = match_(text, at);
      matches.push_back({at, end});
      at = end;
    }
  }

 private:
  Match match_;
};

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeCompileContext {
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};
struct FreeMatchContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

std::string pcre2_message(int error) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(error, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

class Pcre2Splitter final : public Splitter {
 public:
  Pcre2Splitter(const std::string& pattern, std::string where) : where_(std::move(where)) {
    if (pattern.size() > kMaxPattern)
      throw Error(Exit::input, "TK007", "regex too long", where_,
                  std::to_string(pattern.size()) + " bytes, limit " + std::to_string(kMaxPattern));
    const std::unique_ptr<pcre2_compile_context, FreeCompileContext> context(
        pcre2_compile_context_create(nullptr));
    pcre2_set_parens_nest_limit(context.get(), kParenthesesLimit);
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
    int error = 0;
    PCRE2_SIZE offset = 0;
    // Line anchors match at every line, as in the engine Hugging Face uses.
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                              PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
                              &offset, context.get()));
    if (!code_)
      throw Error(Exit::input, "TK007", "bad regex", where_,
                  pcre2_message(error) + " at byte " + std::to_string(offset));
    limits_.reset(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(limits_.get(), kMatchLimit);
    pcre2_set_depth_limit(limits_.get(), kDepthLimit);
    pcre2_set_heap_limit(limits_.get(), kHeapLimitKib);
  }

  void find(std::string_view text, std::vector<Range>& matches) const override {
    const std::unique_ptr<pcre2_match_data, FreeMatchData> data(
        pcre2_match_data_create_from_pattern(code_.get(), nullptr));
    for (std::size_t at = 0; at <= text.size();) {
      const int rc = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                 PCRE2_NO_UTF_CHECK, data.get(), limits_.get());
      if (rc == PCRE2_ERROR_NOMATCH) return;
      if (rc < 0) throw Error(Exit::input, "TK008", "regex too costly", where_, pcre2_message(rc));
      const PCRE2_SIZE* found = pcre2_get_ovector_pointer(data.get());
      const Range match{found[0], found[1]};
      if (match.end < match.begin || match.begin < at)
        throw Error(Exit::input, "TK008", "regex match moves backwards", where_, "\\K in a look-around");
      matches.push_back(match);
      at = match.end;
      if (match.begin == match.end) at += at < text.size() ? code_point_at(text, at).length : 1;
    }
  }

 private:
  std::string where_;
  std::unique_ptr<pcre2_code, FreeCode> code_;
  std::unique_ptr<pcre2_match_context, FreeMatchContext> limits_;
};

class LiteralSplitter final : public Splitter {
 public:
  explicit LiteralSplitter(std::string text) : text_(std::move(text)) {}
  void find(std::string_view text, std::vector<Range>& matches) const override {
    if (text_.empty()) return;
    for (std::size_t at = text.find(text_); at != std::string_view::npos;
         at = text.find(text_, at + text_.size()))
      matches.push_back({at, at + text_.size()});
  }

 private:
  std::string text_;
};

class NumberSplitter final : public Splitter {
 public:
  void find(std::string_view text, std::vector<Range>& matches) const override {
    for (std::size_t at = 0; at < text.size();) {
      const CodePoint c = code_point_at(text, at);
      if (is_number(c.value)) matches.push_back({at, at + c.length});
      at += c.length;
    }
  }
};

}  // namespace

std::unique_ptr<const Splitter> make_regex_splitter(const std::string& pattern, const std::string& where) {
  if (pattern == kGpt2Pattern) return std::make_unique<WellKnownSplitter>(gpt2_match);
  if (pattern == kLlama3Pattern) return std::make_unique<WellKnownSplitter>(llama3_match);
  if (pattern == kQwen2Pattern) return std::make_unique<WellKnownSplitter>(qwen2_match);
  return std::make_unique<Pcre2Splitter>(pattern, where);
}

std::unique_ptr<const Splitter> make_literal_splitter(const std::string& text) {
  return std::make_unique<LiteralSplitter>(text);
}

std::unique_ptr<const Splitter> make_number_splitter() { return std::make_unique<NumberSplitter>(); }

}  // namespace hone::data
