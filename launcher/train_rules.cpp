#include "launcher/train_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>

#include "core/base/error.h"
#include "core/train/spans.h"
#include "data/load/mixture.h"
#include "launcher/options/config.h"

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

}  // namespace

void require_adapter_meant(const Config& config, bool type_given) {
  if (config.adapter.type != "none") return;
  const FlatConfig given = flatten(config), defaults = flatten(Config{});
  std::vector<std::string> keys{"adapter.init"};
  if (!type_given)
    keys.insert(keys.end(),
                {"adapter.rank", "adapter.alpha", "adapter.dropout", "adapter.targets", "adapter.rslora"});
  for (const std::string& key : keys)
    if (given.at(key) != defaults.at(key))
      throw Error(Exit::usage, "US082", "settings of an adapter that is not trained", key,
                  given.at(key) + ", and adapter.type is none: all weights would be trained",
                  "set adapter.type lora, or leave the key out");
}

std::vector<std::string> settings_without_effect(const Config& config) {
  Config copy = config;
  const FlatConfig given = flatten(config), defaults = flatten(Config{});
  std::vector<std::string> lines;
  for (const Field& field : fields_of(copy)) {
    const std::string key = field.key();
    if (given.at(key) == defaults.at(key)) continue;
    const std::string chosen = field.info.only.empty() ? "" : given.at(field.section + ".name");
    if (!chosen.empty() && std::ranges::find(field.info.only, chosen) == field.info.only.end())
      lines.push_back(fmt::format("{} = {} changes nothing under {}.name {}: it is for {}", key,
                                  given.at(key), field.section, chosen, fmt::join(field.info.only, ", ")));
    else if (field.section == "schedule" && config.optim.relative_step)
      lines.push_back(
          fmt::format("{} = {} changes nothing: optim.relative_step takes the place of the schedule", key,
                      given.at(key)));
  }
  return lines;
}

void require_ranks_fit(const Config& config, int world_size) {
  const std::int64_t shard_ranks = config.dist.shard_ranks;
  if (shard_ranks > 0 && world_size % shard_ranks != 0)
    throw Error(Exit::usage, "US081", "ranks do not fall into groups", "dist.shard_ranks",
                std::to_string(world_size) + " ranks in groups of " + std::to_string(shard_ranks),
                "take a divisor of the number of ranks, or 0");
  if (config.dist.deterministic != "tree") return;
  const auto refuse = [](const std::string& why, const std::string& hint) {
    throw Error(Exit::usage, "US080", "no deterministic tree here", "dist.deterministic", why, hint);
  };
  if (!std::has_single_bit(static_cast<unsigned>(world_size)))
    refuse(std::to_string(world_size) + " ranks are no power of two", "take 1, 2, 4, 8, ... ranks");
  if (!config.train.micro_tokens)
    refuse("train.micro_tokens auto goes by the ranks and their memory", "give a number of tokens");
  if (config.model.device != "cpu")
    refuse("on GPUs NCCL chooses the order of sums", "set dist.deterministic none, or model.device cpu");
  if (config.dist.zero > 0 && config.optim.name == "adafactor")
    refuse("adafactor sums over shards, whose cut depends on the ranks",
           "set dist.zero 0, or another optim.name");
}

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
  data::mixture_weights(config.data.weights, config.data.train.size());
  require_folds(config);
  require_evaluation(config);
  require_one_start(config);
}

}  // namespace hone::launcher
