#pragma once
// Named chat templates with an exact supervised mask: the content and the end-of-turn token of each assistant
// turn, not its header nor what the template writes after that token.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/text/tokenizer.h"

namespace hone::data {

struct Message {
  std::string role;  // system, user, assistant
  std::string content;
};

struct RenderedChat {
  std::string text;
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> supervised;  // per id, unshifted
};

class ChatTemplate {
 public:
  virtual ~ChatTemplate() = default;
  virtual const std::string& name() const = 0;
  // `generation_prompt` appends the header of an assistant turn. Unknown roles are an Error.
  virtual RenderedChat render(const std::vector<Message>& messages, const Tokenizer& tokenizer,
                              bool generation_prompt) const = 0;
  virtual std::uint64_t fingerprint() const = 0;
};

// "auto": the model's own template where it is one of those known, else Error (exit 2) listing the names;
// "none": no template (rendering chat messages is then an Error).
std::unique_ptr<ChatTemplate> make_chat_template(const std::string& name, const Tokenizer& tokenizer);
// The same with `own`, the Jinja text of what is trained or used, in place of the tokenizer's.
std::unique_ptr<ChatTemplate> make_chat_template(const std::string& name, const Tokenizer& tokenizer,
                                                 const std::string& own);

// The Jinja text that a model trained with the named template should carry; empty where it is `none` or unknown, or
// where `own`, the text that the model carries already, is that template.
std::string template_to_carry(const std::string& name, const std::string& own);

}  // namespace hone::data
