#pragma once
// Generated answers to the rows of a data set, how good they are, and what is wrong with them.
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/eval/answer_errors.h"
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
  bool cut_off = false;  // max_new_tokens ended it
};

// Greedy answers, in file order; rows are dealt to ranks, every rank returns all. Progress goes to the log.
std::vector<AnsweredRow> answer_rows(const AnswerJob& job, const model::Model& model, const TextTools& tools,
                                     Log& log, Communicator& communicator);

struct Judging {
  bool rouge_stemmer = false;
  eval::AnswerRules rules;
  bool expected_are_labels = false;  // the labels are all expected answers
};

struct JudgedRow {
  AnsweredRow row;
  eval::TextScores scores;          // of this answer alone
  std::vector<std::string> errors;  // keys of the checks it fails
};

struct JudgedAnswers {
  std::vector<JudgedRow> rows;
  eval::TextScores scores;
  eval::AnswerErrors errors;
};

JudgedAnswers judge(const std::vector<AnsweredRow>& rows, Judging judging);

OrderedJson to_json(
    const eval::TextScores& scores);  // the metrics by their keys, without the number of examples
OrderedJson to_json(const eval::AnswerErrors& errors);

}  // namespace hone::launcher
