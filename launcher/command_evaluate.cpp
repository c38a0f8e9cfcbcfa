// hone evaluate: loss and perplexity of a model on held-out rows, and on request its generated answers.
#include <c10/core/InferenceMode.h>

#include <cmath>

#include "core/base/file_system.h"
#include "core/train/evaluator.h"
#include "launcher/answers.h"
#include "launcher/build_data.h"
#include "launcher/build_model.h"
#include "launcher/commands.h"
#include "launcher/comparison.h"
#include "launcher/options/command_options.h"
#include "launcher/runtime.h"

namespace hone::launcher {
namespace {

// One evaluated variant: the model with or without its adapters.
struct Variant {
  EvalResult loss;
  std::vector<objective::SequenceScore> scores;  // by row, of all ranks
  std::optional<AnswerSet> answers;
};

// Every rank's scores, at the rows they belong to.
std::vector<objective::SequenceScore> spread(const std::vector<objective::SequenceScore>& own, std::int64_t rows,
                                             Communicator& communicator) {
  std::vector<double> table(2 * rows, 0.0);
  for (const objective::SequenceScore& score : own) {
    table[2 * score.sample] = score.logp;
    table[2 * score.sample + 1] = static_cast<double>(score.tokens);
  }
  communicator.all_reduce({table.data(), 2 * rows, CommType::f64}, ReduceOp::sum)->wait();
  std::vector<objective::SequenceScore> all(rows);
  for (std::int64_t r = 0; r < rows; ++r) all[r] = {r, table[2 * r], static_cast<std::int64_t>(table[2 * r + 1])};
  return all;
}

OrderedJson summary(const Variant& variant) {
  OrderedJson row{{"loss", variant.loss.loss}, {"perplexity", std::exp(variant.loss.loss)}, {"tokens", variant.loss.tokens}};
  if (variant.answers) row.update(to_json(variant.answers->scores));
  return row;
}

void write_per_example(const std::string& path, const Variant& variant, const data::SampleSet& rows) {
  std::string text;
  for (std::size_t r = 0; r < variant.scores.size(); ++r) {
    OrderedJson line{{"index", rows.read(static_cast<std::int64_t>(r)).row},
                     {"logp", variant.scores[r].logp},
                     {"tokens", variant.scores[r].tokens}};
    if (variant.answers) {
      line["expected"] = variant.answers->rows[r].expected;
      line["answer"] = variant.answers->rows[r].answer;
    }
    text += line.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
  }
  write_file_atomic(path, text);
}

class Evaluation {
 public:
  Evaluation(CommandContext& context, Runtime& runtime)
      : context_(context),
        config_(context.config()),
        options_(context.options<EvaluateOptions>()),
        communicator_(*runtime.communicator),
        tools_(make_text_tools(config_)),
        rows_(open_rows(config_.data.eval, config_, tools_, cache_root(), communicator_).set),
        pass_(rows_, config_.train.micro_tokens, communicator_.rank(), communicator_.world_size()),
        model_(build_model(config_, Purpose::infer)),
        objective_(objective::make_objective(config_.objective)) {}

  Variant run(nn::AdapterMode adapters) {
    Variant variant;
    std::vector<objective::SequenceScore> own;
    const train::HeldOut bins = [&](const train::BatchVisitor& visit) {
      for (std::int64_t b = 0; b < pass_.bin_count(); ++b) visit(pass_.bin(b));
    };
    variant.loss = train::evaluate(*objective_, model_, bins, communicator_, adapters,
                                   [&](const objective::SequenceScore& score) { own.push_back(score); });
    variant.scores = spread(own, rows_->size(), communicator_);
    if (options_.generate || options_.compare) {
      AnswerJob job{config_.data.eval, config_.data.format, options_.max_new_tokens, adapters};
      variant.answers = answer_rows(job, model_, tools_, context_.log, communicator_);
    }
    return variant;
  }

  const data::SampleSet& rows() const { return *rows_; }
  const EvaluateOptions& options() const { return options_; }

 private:
  std::string cache_root() const {
    return cache_root_of(config_.run.dir.empty() ? "runs/evaluate" : config_.run.dir);
  }

  CommandContext& context_;
  Config& config_;
  const EvaluateOptions& options_;
  Communicator& communicator_;
  TextTools tools_;
  std::shared_ptr<data::PreparedSet> rows_;
  data::EvalPass pass_;
  model::Model model_;
  objective::ObjectivePtr objective_;
};

}  // namespace

int run_evaluate(CommandContext& context) {
  const c10::InferenceMode inference;
  context.require("data.eval");
  Runtime runtime = make_runtime(context);
  Evaluation evaluation(context, runtime);
  const EvaluateOptions& options = evaluation.options();
  const Variant tuned = evaluation.run(nn::AdapterMode::all);
  if (!options.per_example.empty() && context.session.rank() == 0)
    write_per_example(options.per_example, tuned, evaluation.rows());
  if (!options.compare) {
    context.out.json(summary(tuned));
    return 0;
  }
  const Variant base = evaluation.run(nn::AdapterMode::none);
  const Comparison comparison = compare(context.config(), base.loss, *base.answers, tuned.loss, *tuned.answers);
  if (context.session.rank() == 0) publish(context, comparison);
  OrderedJson row = summary(tuned);
  row["base"] = summary(base);
  row["commonest"] = to_json(comparison.commonest);
  context.out.json(row);
  return 0;
}

}  // namespace hone::launcher
