#include "launcher/answers.h"

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/base/progress.h"
#include "core/eval/words.h"
#include "data/encode_prompt.h"
#include "data/source/jsonl_source.h"
#include "launcher/generation.h"

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

}  // namespace

std::vector<AnsweredRow> answer_rows(const AnswerJob& job, const model::Model& model, const TextTools& tools,
                                     Log& log, Communicator& communicator) {
  const std::vector<data::PromptedRow> prompts = read_prompts(job, tools);
  GenerationJob generation{prompts.size(), [&](std::size_t p) { return prompts[p].ids; }, {}};
  generation.settings.tokens.max_new_tokens = job.max_new_tokens;
  generation.settings.tokens.adapters = job.adapters;
  generation.settings.tokens.end_ids = end_ids(model, *tools.tokenizer);
  const auto ranks = static_cast<std::size_t>(communicator.world_size());
  Progress progress(log, "answers", static_cast<std::int64_t>((prompts.size() + ranks - 1) / ranks), 0, 100);
  std::int64_t ready = 0;
  generation.ready = [&](const generate::Answer& answer) {
    progress.update({++ready, static_cast<double>(answer.size())});
  };
  const std::vector<GeneratedText> answers =
      generate_texts(generation, model, *tools.tokenizer, communicator);
  std::vector<AnsweredRow> rows;
  for (std::size_t p = 0; p < prompts.size(); ++p)
    rows.push_back({prompts[p].question, prompts[p].expected, answers[p].text, answers[p].cut_off});
  return rows;
}

JudgedAnswers judge(const std::vector<AnsweredRow>& rows, Judging judging) {
  if (judging.expected_are_labels)
    for (const AnsweredRow& row : rows) judging.rules.labels.emplace(eval::trim(row.expected));
  JudgedAnswers judged;
  eval::TextMetrics metrics(judging.rouge_stemmer);
  eval::ErrorAnalysis analysis(judging.rules);
  for (const AnsweredRow& row : rows)
    judged.rows.push_back(
        {row, metrics.add(row.expected, row.answer), analysis.add(row.answer, row.cut_off)});
  judged.scores = metrics.scores();
  judged.errors = analysis.errors();
  return judged;
}

OrderedJson to_json(const eval::TextScores& scores) {
  OrderedJson row = OrderedJson::object();
  for (const eval::TextMetric& metric : eval::text_metrics()) row[metric.key] = scores.*metric.value;
  return row;
}

OrderedJson to_json(const eval::AnswerErrors& errors) {
  OrderedJson row{{"any", errors.with_errors}};
  for (const eval::AnswerCheck& check : eval::answer_checks())
    if (const auto found = errors.failing.find(check.key); found != errors.failing.end())
      row[check.key] = found->second;
  row["repetition"] = errors.repetition;
  if (errors.failing.contains("misspelt")) row["unknown_words"] = errors.unknown_words;
  return row;
}

}  // namespace hone::launcher
