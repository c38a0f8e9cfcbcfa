#include "launcher/train_rules.h"

#include "core/base/error.h"
#include "core/train/spans.h"

namespace hone::launcher {
namespace {

void require_folds(const Config& config) {
  const std::int64_t folds = config.train.folds;
  if (folds == 1)
    throw Error(Exit::usage, "US034", "one fold is no split", "train.folds", "1", "0: off; 5 is common");
  if (folds > 0 && !config.data.eval.empty())
    throw Error(Exit::usage, "US035", "held-out rows twice", "data.eval",
                "train.folds holds out rows of data.train", "leave one of them out");
  if (folds > 0 && config.data.chunk)  // chunks of one row would be trained on and held out
    throw Error(Exit::usage, "US036", "chunks cannot be dealt to folds", "data.chunk",
                "train.folds is given too", "leave one of them out");
}

void require_evaluation(const Config& config) {
  if (!config.data.eval.empty() || config.train.folds > 0) return;
  const TrainOptions& train = config.train;
  const char* key = train.early_stopping_patience > 0 ? "train.early_stopping_patience"
                    : train.load_best                 ? "train.load_best"
                    : train.eval_on_start             ? "train.eval_on_start"
                                                      : nullptr;
  if (key)
    throw Error(Exit::usage, "US031", "nothing to evaluate on", key, "data.eval is empty",
                "give held-out rows");
}

void require_one_start(const Config& config) {
  const TrainOptions& train = config.train;
  if (train.init_optimizer && train.init_from.empty())
    throw Error(Exit::usage, "US032", "no optimizer state to take over", "train.init_optimizer",
                "train.init_from is empty");
  if (!train.init_from.empty() && !config.adapter.init.empty())
    throw Error(Exit::usage, "US033", "two sources of start values", "train.init_from",
                "adapter.init is given too", "leave one of them out");
}

void require_replicas(const Config& config) {
  if (config.dist.zero > 0)
    throw Error(Exit::usage, "US077", "stage not built", "dist.zero", std::to_string(config.dist.zero),
                "this version trains with 0; hone plan knows the others");
}

}  // namespace

std::optional<double> time_limit(const TrainOptions& options) {
  if (options.max_time.empty()) return std::nullopt;
  return train::parse_duration("train.max_time", options.max_time);
}

train::TrainPlan make_plan(TrainOptions& options) {
  if (options.greater_is_better == "auto")
    options.greater_is_better = train::greater_is_better(options.metric) ? "true" : "false";
  return {.total_steps = options.steps.value_or(0),
          .eval_every = train::parse_interval("train.eval_every", options.eval_every),
          .save_every = train::parse_interval("train.save_every", options.save_every),
          .eval_on_start = options.eval_on_start,
          .best = {.metric = options.metric,
                   .greater_is_better = options.greater_is_better == "true",
                   .patience = options.early_stopping_patience,
                   .threshold = options.early_stopping_threshold}};
}

void require_possible(const Config& config) {
  TrainOptions train = config.train;
  make_plan(train);  // for what it refuses
  time_limit(train);
  require_folds(config);
  require_evaluation(config);
  require_one_start(config);
  require_replicas(config);
}

}  // namespace hone::launcher
