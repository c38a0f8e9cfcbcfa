#pragma once
// The base model, always giving the commonest answer, and the tuned model, side by side.
#include "core/ports/train_observer.h"
#include "launcher/answers.h"
#include "launcher/command_context.h"

namespace hone::launcher {

struct Comparison {
  EvalResult base_loss, tuned_loss;
  JudgedAnswers base, tuned;  // to the same rows
  std::string commonest_answer;
  eval::TextScores commonest;
};

// The commonest answer is that of data.train where given, else of the rows themselves.
Comparison compare(const Config& config, const Judging& judging, const EvalResult& base_loss,
                   JudgedAnswers base, const EvalResult& tuned_loss, JudgedAnswers tuned);

// A short table with three answers on standard error; with run.dir also comparison.json and the report
// renewed.
void publish(CommandContext& context, const Comparison& comparison);

}  // namespace hone::launcher
