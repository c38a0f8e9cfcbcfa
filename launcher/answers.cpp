#include "launcher/answers.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/base/progress.h"
#include "core/generate/generator.h"
#include "data/encode_prompt.h"
#include "data/source/jsonl_source.h"
#include "dist/launch_check.h"

namespace hone::launcher {
namespace {

std::vector<data::PromptedRow> read_prompts(const AnswerJob& job, const TextTools& tools) {
  for (const std::string& path : job.inputs)
    if (is_directory(path))
      throw Error(Exit::usage, "US022", "generated answers need the rows themselves", "data.eval", path,
                  "give the JSON Lines file instead of the prepared folder");
  std::vector<data::PromptedRow> prompts;
  for (const data::Example& example : data::read_examples(job.inputs, job.format))
    prompts.push_back(data::prompted_row(example, *tools.tokenizer, *tools.chat_template));
  return prompts;
}

// Every rank's answers (JSON lists of strings, rank r has rows r, r + world, ...) back in file order.
void merge(const std::vector<std::string>& shares, std::vector<AnsweredRow>& rows) {
  for (std::size_t rank = 0; rank < shares.size(); ++rank) {
    const Json answers = Json::parse(shares[rank]);
    for (std::size_t i = 0; i < answers.size(); ++i) rows[rank + i * shares.size()].answer = answers[i];
  }
}

}  // namespace

std::vector<std::int32_t> end_ids(const model::Model& model, const data::Tokenizer& tokenizer) {
  std::vector<std::int32_t> ids = model.config().eos_ids;
  if (tokenizer.eos_id() >= 0) ids.push_back(tokenizer.eos_id());
  return ids;
}

AnswerSet answer_rows(const AnswerJob& job, const model::Model& model, const TextTools& tools, Log& log,
                      Communicator& communicator) {
  const std::vector<data::PromptedRow> prompts = read_prompts(job, tools);
  const auto rank = static_cast<std::size_t>(communicator.rank());
  const auto world = static_cast<std::size_t>(communicator.world_size());
  AnswerSet set;
  std::vector<generate::Prompt> own;
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    set.rows.push_back({prompts[p].question, prompts[p].expected, ""});
    if (p % world == rank) own.push_back({p, prompts[p].ids});
  }
  generate::GenerateSettings settings;
  settings.max_new_tokens = job.max_new_tokens;
  settings.adapters = job.adapters;
  settings.end_ids = end_ids(model, *tools.tokenizer);
  Progress progress(log, "answers", static_cast<std::int64_t>(own.size()), 0, 100);
  std::int64_t ready = 0;
  Json texts = Json::array();
  const auto answers = generate::generate(model, own, settings, [&](std::size_t, const generate::Answer& answer) {
    progress.update({++ready, static_cast<double>(answer.size())});
  });
  for (const generate::Answer& answer : answers) texts.push_back(tools.tokenizer->decode(answer, true));
  merge(dist::gather_strings(communicator, texts.dump(-1, ' ', false, Json::error_handler_t::replace)), set.rows);
  set.scores = score_answers(set.rows);
  return set;
}

eval::TextScores score_answers(const std::vector<AnsweredRow>& rows) {
  eval::TextMetrics metrics;
  for (const AnsweredRow& row : rows) metrics.add(row.expected, row.answer);
  return metrics.means();
}

OrderedJson to_json(const eval::TextScores& scores) {
  return {{"examples", static_cast<std::int64_t>(scores.examples)},
          {"exact_match", scores.exact_match},
          {"rouge1", scores.rouge1},
          {"rouge2", scores.rouge2},
          {"rougeL", scores.rouge_l}};
}

}  // namespace hone::launcher
