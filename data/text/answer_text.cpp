#include "data/text/answer_text.h"

#include <algorithm>
#include <utility>

namespace hone::data {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // of bytes that are no character, or not yet

// The longest end of `text` that begins `stop`, without being all of it.
std::size_t begun(std::string_view text, std::string_view stop) {
  std::size_t length = std::min(text.size(), stop.size() - 1);
  while (length > 0 && !text.ends_with(stop.substr(0, length))) --length;
  return length;
}

}  // namespace

AnswerText::AnswerText(const Tokenizer& tokenizer, const std::vector<std::string>& stops)
    : tokenizer_(tokenizer) {
  for (const std::string& stop : stops)
    if (!stop.empty()) stops_.push_back(stop);
}

bool AnswerText::push(std::int32_t id) {
  if (stopped_) return true;
  ids_.push_back(id);
  text_ = tokenizer_.decode(ids_, /*skip_special=*/true);
  std::size_t end = std::string::npos;
  for (const std::string& stop : stops_) end = std::min(end, text_.find(stop));
  stopped_ = end != std::string::npos;
  if (stopped_) text_.resize(end);
  return stopped_;
}

std::size_t AnswerText::certain() const {
  if (stopped_) return text_.size();
  std::string_view text = text_;
  while (text.ends_with(kReplacement)) text.remove_suffix(kReplacement.size());
  std::size_t uncertain = 0;
  for (const std::string& stop : stops_) uncertain = std::max(uncertain, begun(text, stop));
  return text.size() - uncertain;
}

std::string AnswerText::take() {
  const std::size_t begin = std::exchange(taken_, std::max(taken_, certain()));
  return text_.substr(begin, taken_ - begin);
}

std::string AnswerText::take_rest() { return text_.substr(std::exchange(taken_, text_.size())); }

}  // namespace hone::data
