#pragma once
// The text of an answer while it grows, id by id. Stop strings: the text ends before the first of them to
// appear, its ids with the one that completed it.
#include <cstdint>
#include <string>
#include <vector>

#include "data/text/tokenizer.h"

namespace hone::data {

class AnswerText {
 public:
  // The tokenizer is kept by reference. Empty stop strings are left out.
  AnswerText(const Tokenizer& tokenizer, const std::vector<std::string>& stops);

  bool push(std::int32_t id);  // true: a stop string is in the text now, and the answer is over
  // What became certain since the last call: whole characters, and nothing that a stop string may still take
  // back.
  std::string take();
  std::string take_rest();  // at the end of the answer
  const std::string& text() const { return text_; }
  bool stopped() const { return stopped_; }

 private:
  std::size_t certain() const;

  const Tokenizer& tokenizer_;
  std::vector<std::string> stops_;
  std::vector<std::int32_t> ids_;
  std::string text_;
  std::size_t taken_ = 0;
  bool stopped_ = false;
};

}  // namespace hone::data
