#pragma once
// Prompts to texts.
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/generate/generator.h"
#include "core/ports/communicator.h"
#include "data/text/answer_text.h"
#include "data/text/tokenizer.h"

namespace hone::launcher {

struct TextSettings {
  generate::GenerateSettings tokens;
  std::vector<std::string> stops;  // strings that end an answer
};

struct GeneratedText {
  std::vector<std::int32_t> ids;  // the new ones: with the end id, or the one that completed a stop string
  std::string text;               // without special tokens, up to a stop string
  bool cut_off = false;           // max_new_tokens ended it
};

// Ids that end an answer: the model's and the tokenizer's end tokens.
std::vector<std::int32_t> end_ids(const model::Model& model, const data::Tokenizer& tokenizer);

// Watches a generator and keeps the text of each answer as it grows. Tokenizer and settings are kept by
// reference.
class TextCollector {
 public:
  // Called with what an answer's text grew by; of use where there is one prompt.
  using Piece = std::function<void(std::string_view piece)>;
  TextCollector(std::size_t prompts, const data::Tokenizer& tokenizer, const TextSettings& settings,
                Piece piece = nullptr);
  generate::Watcher watcher();
  GeneratedText collect(std::size_t prompt, generate::Answer ids);  // once the answer is complete

 private:
  const TextSettings& settings_;
  Piece piece_;
  std::vector<data::AnswerText> texts_;
};

// Every rank answers its share of `prompts` prompts (rank r: r, r + world, ...) and returns all, in order.
// `ids_of(prompt)`: its token ids; none is an Error (DS023). `ready` is called after each answer of this
// rank.
struct GenerationJob {
  std::size_t prompts = 0;
  std::function<std::vector<std::int32_t>(std::size_t prompt)> ids_of;
  TextSettings settings;
  TextCollector::Piece piece = nullptr;
  std::function<void(const generate::Answer& answer)> ready = nullptr;
};
std::vector<GeneratedText> generate_texts(const GenerationJob& job, const model::Model& model,
                                          const data::Tokenizer& tokenizer, Communicator& communicator);

}  // namespace hone::launcher
