#include "data/text/chat_script.h"

#include "data/text/utf8.h"

namespace hone::data {

ChatScript& ChatScript::plain(std::string_view text) {
  // Replaced here, so that the positions of the tokens are positions in this very text.
  text_ += is_valid_utf8(text) ? std::string(text) : replace_invalid_utf8(text);
  return *this;
}

ChatScript& ChatScript::supervised(std::string_view text) {
  const std::size_t begin = text_.size();
  plain(text);
  supervised_.push_back({begin, text_.size()});
  return *this;
}

RenderedChat ChatScript::tokenize(const Tokenizer& tokenizer) && {
  RenderedChat out;
  auto stretch = supervised_.begin();
  for (const TokenSpan& token : tokenizer.encode_spans(text_)) {
    while (stretch != supervised_.end() && stretch->end <= token.begin) ++stretch;
    out.ids.push_back(token.id);
    out.supervised.push_back(stretch != supervised_.end() && stretch->begin < token.end);
  }
  out.text = std::move(text_);
  return out;
}

}  // namespace hone::data
