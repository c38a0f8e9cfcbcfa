#pragma once
// Example to Sample: which tokens a row becomes and which of them are supervised with train_on = completion
// (train_on = all and truncation apply on reading, so that one prepared folder serves every setting).
//   chat       content and end token of every assistant turn of `messages`, after `prompt` if there is one
//   plain      what follows the prompt, and one end-of-sequence token, appended where it is not there yet
#include "data/sample.h"
#include "data/source/example.h"
#include "data/text/chat_template.h"
#include "data/text/tokenizer.h"

namespace hone::data {

Sample encode_sft(const Example& example, const Tokenizer& tokenizer, const ChatTemplate& chat_template);

// True where nothing but white space was to be learnt: the completion or an assistant turn is empty.
bool has_empty_answer(const Example& example);

}  // namespace hone::data
