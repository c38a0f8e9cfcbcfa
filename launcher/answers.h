#pragma once
// Generated answers to the rows of a data set, and how good they are.
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/eval/text_metrics.h"
#include "core/model/model.h"
#include "core/ports/communicator.h"
#include "launcher/build_data.h"

namespace hone::launcher {

struct AnswerJob {
  std::vector<std::string> inputs;  // JSON Lines files
  std::string format = "auto";
  std::int64_t max_new_tokens = 64;
  nn::AdapterMode adapters = nn::AdapterMode::all;
};

struct AnsweredRow {
  std::string question, expected, answer;
};

struct AnswerSet {
  std::vector<AnsweredRow> rows;  // in file order
  eval::TextScores scores;
};

// Greedy answers; rows are dealt to ranks, every rank returns all. Progress goes to the log.
AnswerSet answer_rows(const AnswerJob& job, const model::Model& model, const TextTools& tools, Log& log,
                      Communicator& communicator);

eval::TextScores score_answers(const std::vector<AnsweredRow>& rows);
OrderedJson to_json(const eval::TextScores& scores);

// Ids that end an answer: the model's and the tokenizer's end tokens.
std::vector<std::int32_t> end_ids(const model::Model& model, const data::Tokenizer& tokenizer);

}  // namespace hone::launcher
