#pragma once
// The base model, always giving the commonest answer, and the tuned model, side by side.
#include "core/ports/train_observer.h"
#include "launcher/answers.h"
#include "launcher/command_context.h"

namespace hone::launcher {

struct Comparison {
  EvalResult base_loss, tuned_loss;
  eval::TextScores base, commonest, tuned;
  std::string commonest_answer;
  std::vector<AnsweredRow> base_rows, tuned_rows;
};

// The commonest answer is that of data.train where given, else of the rows themselves.
Comparison compare(const Config& config, const EvalResult& base_loss, const AnswerSet& base,
                   const EvalResult& tuned_loss, const AnswerSet& tuned);

// A short table with three answers on standard error; with run.dir also comparison.json and the report renewed.
void publish(CommandContext& context, const Comparison& comparison);

}  // namespace hone::launcher
