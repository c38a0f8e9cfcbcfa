#pragma once
// A conversation while it is written: its text and which stretches of it training supervises.
#include <string>
#include <string_view>
#include <vector>

#include "data/text/chat_template.h"
#include "data/text/splitter.h"

namespace hone::data {

class ChatScript {
 public:
  ChatScript& plain(std::string_view text);       // headers, turns of others, what follows an end token
  ChatScript& supervised(std::string_view text);  // content and end token of an assistant turn
  // Tokens of the whole text at once, as a tokenizer sees it; one that reaches into a supervised stretch is
  // supervised, as with the assistant masks of Hugging Face's templates.
  RenderedChat tokenize(const Tokenizer& tokenizer) &&;

 private:
  std::string text_;
  std::vector<Range> supervised_;
};

}  // namespace hone::data
