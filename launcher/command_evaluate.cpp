// hone evaluate: loss and perplexity of a model on held-out rows, and on request its generated answers.
#include <c10/core/InferenceMode.h>

#include <cmath>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/eval/words.h"
#include "core/train/evaluator.h"
#include "launcher/answers.h"
#include "launcher/build_model.h"
#include "launcher/commands.h"
#include "launcher/comparison.h"
#include "launcher/held_out.h"
#include "launcher/model_input.h"
#include "launcher/options/command_options.h"
#include "launcher/runtime.h"

namespace hone::launcher {
namespace {

// One evaluated variant: the model with or without its adapters.
struct Variant {
  EvalResult loss;
  std::vector<objective::SequenceScore> scores;  // by row, of all ranks
  std::optional<JudgedAnswers> answers;
};

// The lines of a file, without white space around them.
std::vector<std::string> read_lines(const std::string& path) {
  const std::string text = read_text_file(path);
  std::vector<std::string> lines;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = eval::trim(rest.substr(0, end));
    if (!line.empty()) lines.emplace_back(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

Judging judging_of(const EvaluateOptions& options) {
  Judging judging{options.rouge_stemmer, {}, options.labels == "auto"};
  if (!options.word_list.empty())
    for (const std::string& word : read_lines(options.word_list))
      judging.rules.word_list.insert(eval::lower_case(word));
  if (!options.labels.empty() && !judging.expected_are_labels)
    for (const std::string& label : read_lines(options.labels)) judging.rules.labels.insert(label);
  return judging;
}

// Every rank's scores, at the rows they belong to.
std::vector<objective::SequenceScore> spread(const std::vector<objective::SequenceScore>& own,
                                             std::int64_t rows, Communicator& communicator) {
  std::vector<double> table(2 * rows, 0.0);
  for (const objective::SequenceScore& score : own) {
    table[2 * score.sample] += score.logp;  // a text of several windows has several scores
    table[2 * score.sample + 1] += static_cast<double>(score.tokens);
  }
  communicator.all_reduce({table.data(), 2 * rows, CommType::f64}, ReduceOp::sum)->wait();
  std::vector<objective::SequenceScore> all(rows);
  for (std::int64_t r = 0; r < rows; ++r)
    all[r] = {r, table[2 * r], static_cast<std::int64_t>(table[2 * r + 1])};
  return all;
}

OrderedJson summary(const Variant& variant) {
  OrderedJson row{{"loss", variant.loss.loss},
                  {"perplexity", std::exp(variant.loss.loss)},
                  {"tokens", variant.loss.tokens},
                  {"mean_token_accuracy", variant.loss.mean_token_accuracy}};
  if (!variant.answers) return row;
  row["examples"] = variant.answers->rows.size();
  row.update(to_json(variant.answers->scores));
  row["errors"] = to_json(variant.answers->errors);
  return row;
}

void write_per_example(const std::string& path, const Variant& variant, const HeldOutSet& set) {
  std::string text;
  for (std::size_t r = 0; r < variant.scores.size(); ++r) {
    OrderedJson line{{"index", set.row_of(static_cast<std::int64_t>(r))},
                     {"logp", variant.scores[r].logp},
                     {"tokens", variant.scores[r].tokens}};
    if (variant.answers) {
      const JudgedRow& judged = variant.answers->rows[r];
      line["expected"] = judged.row.expected;
      line["answer"] = judged.row.answer;
      line.update(to_json(judged.scores));
      line["errors"] = judged.errors;
    }
    text += line.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
  }
  write_file_atomic(path, text);
}

class Evaluation {
 public:
  Evaluation(CommandContext& context, Runtime& runtime, const Judging& judging)
      : context_(context),
        config_(context.config()),
        options_(context.options<EvaluateOptions>()),
        judging_(judging),
        communicator_(*runtime.communicator),
        tools_(make_text_tools(config_)),
        set_(options_.stride > 0 ? held_out_texts(config_, options_.stride, tools_, communicator_)
                                 : held_out_rows(context_, tools_, communicator_)),
        model_(build_model(config_, Purpose::infer)),
        objective_(objective::make_objective(config_.objective)) {}

  Variant run(nn::AdapterMode adapters) {
    Variant variant;
    std::vector<objective::SequenceScore> own;
    variant.loss = train::evaluate(*objective_, model_, set_.bins, communicator_, adapters,
                                   [&](const objective::SequenceScore& score) { own.push_back(score); });
    variant.scores = spread(own, set_.rows, communicator_);
    if (options_.generate || options_.compare) {
      const AnswerJob job{config_.data.eval, config_.data.format, options_.max_new_tokens, adapters};
      variant.answers = judge(answer_rows(job, model_, tools_, context_.log, communicator_), judging_);
    }
    return variant;
  }

  const HeldOutSet& set() const { return set_; }

 private:
  CommandContext& context_;
  Config& config_;
  const EvaluateOptions& options_;
  const Judging& judging_;
  Communicator& communicator_;
  TextTools tools_;
  HeldOutSet set_;
  model::Model model_;
  objective::ObjectivePtr objective_;
};

void require_possible(const EvaluateOptions& options) {
  const bool answers = options.generate || options.compare;
  if (options.stride > 0 && answers)
    throw Error(Exit::usage, "US054", "plain text has no answers", "--stride",
                "given with --generate or --compare", "leave one of them out");
  for (const auto& [name, value] :
       {std::pair("--word_list", options.word_list), std::pair("--labels", options.labels)})
    if (!value.empty() && !answers)
      throw Error(Exit::usage, "US055", "no answers to look at", name, value,
                  "give --generate true or --compare true");
}

}  // namespace

int run_evaluate(CommandContext& context) {
  const c10::InferenceMode inference;
  context.require("data.eval");
  const EvaluateOptions& options = context.options<EvaluateOptions>();
  require_possible(options);
  if (options.compare && context.config().model.adapters.empty())
    throw Error(Exit::usage, "US083", "nothing to compare with", "--compare", "model.adapters is empty",
                "name the adapter that was trained");
  if (options.compare && replaces_modules(context.config()))
    throw Error(Exit::usage, "US076", "the model without its adapters is another one", "--compare",
                "an adapter holds whole modules (modules_to_save) or rows (trainable_token_indices), which "
                "were put in "
                "place of the model's",
                "evaluate once with and once without model.adapters");
  const Judging judging = judging_of(options);
  use_stored_weights(context.config());
  Runtime runtime = make_runtime(context);
  Evaluation evaluation(context, runtime, judging);
  const Variant tuned = evaluation.run(nn::AdapterMode::all);
  if (!options.per_example.empty() && context.session.rank() == 0)
    write_per_example(options.per_example, tuned, evaluation.set());
  if (!options.compare) {
    context.out.json(summary(tuned));
    return 0;
  }
  const Variant base = evaluation.run(nn::AdapterMode::none);
  const Comparison comparison =
      compare(context.config(), judging, base.loss, *base.answers, tuned.loss, *tuned.answers);
  OrderedJson row = summary(tuned);
  row["base"] = summary(base);
  row["commonest"] = to_json(comparison.commonest);
  context.out.json(row);
  if (context.session.rank() == 0) publish(context, comparison);
  return 0;
}

}  // namespace hone::launcher
