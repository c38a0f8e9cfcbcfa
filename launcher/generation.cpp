#include "launcher/generation.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/json.h"
#include "dist/launch_check.h"

namespace hone::launcher {
namespace {

std::vector<generate::Prompt> own_prompts(const GenerationJob& job, const Communicator& communicator) {
  std::vector<generate::Prompt> own;
  for (std::size_t p = communicator.rank(); p < job.prompts; p += communicator.world_size()) {
    own.push_back({p, job.ids_of(p)});
    if (own.back().ids.empty())
      throw Error(Exit::input, "DS023", "empty prompt", "row " + std::to_string(p), "no tokens to continue");
  }
  return own;
}

std::string share_text(const std::vector<GeneratedText>& own) {
  Json share = Json::array();
  for (const GeneratedText& text : own) share.push_back({text.ids, text.text, text.cut_off});
  return share.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Rank r's share has prompts r, r + world, ...
std::vector<GeneratedText> in_order(const std::vector<std::string>& shares, std::size_t prompts) {
  std::vector<GeneratedText> texts(prompts);
  for (std::size_t rank = 0; rank < shares.size(); ++rank) {
    const Json share = Json::parse(shares[rank]);
    for (std::size_t i = 0; i < share.size(); ++i)
      texts[rank + i * shares.size()] = {share[i][0].get<std::vector<std::int32_t>>(),
                                         share[i][1].get<std::string>(), share[i][2].get<bool>()};
  }
  return texts;
}

}  // namespace

std::vector<std::int32_t> end_ids(const model::Model& model, const data::Tokenizer& tokenizer) {
  std::vector<std::int32_t> ids = model.config().eos_ids;
  if (tokenizer.eos_id() >= 0) ids.push_back(tokenizer.eos_id());
  return ids;
}

TextCollector::TextCollector(std::size_t prompts, const data::Tokenizer& tokenizer,
                             const TextSettings& settings, Piece piece)
    : settings_(settings),
      piece_(std::move(piece)),
      texts_(prompts, data::AnswerText(tokenizer, settings.stops)) {}

generate::Watcher TextCollector::watcher() {
  return {.stop = [this](std::size_t prompt, std::int32_t id) {
    const bool stopped = texts_[prompt].push(id);
    if (piece_) piece_(texts_[prompt].take());
    return stopped;
  }};
}

GeneratedText TextCollector::collect(std::size_t prompt, generate::Answer ids) {
  data::AnswerText& text = texts_[prompt];
  if (piece_) piece_(text.take_rest());
  const auto& ends = settings_.tokens.end_ids;
  const bool ended = text.stopped() || std::find(ends.begin(), ends.end(), ids.back()) != ends.end();
  return {std::move(ids), text.text(), !ended};
}

std::vector<GeneratedText> generate_texts(const GenerationJob& job, const model::Model& model,
                                          const data::Tokenizer& tokenizer, Communicator& communicator) {
  const std::vector<generate::Prompt> own = own_prompts(job, communicator);
  TextCollector collector(own.size(), tokenizer, job.settings, job.piece);
  generate::Watcher watcher = collector.watcher();
  watcher.done = [&](std::size_t, const generate::Answer& answer) {
    if (job.ready) job.ready(answer);
  };
  std::vector<generate::Answer> answers = generate::generate(model, own, job.settings.tokens, watcher);
  std::vector<GeneratedText> texts;
  for (std::size_t p = 0; p < own.size(); ++p) texts.push_back(collector.collect(p, std::move(answers[p])));
  return in_order(dist::gather_strings(communicator, share_text(texts)), job.prompts);
}

}  // namespace hone::launcher
