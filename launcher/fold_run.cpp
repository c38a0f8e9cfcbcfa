#include "launcher/fold_run.h"

#include <cmath>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/base/run_status.h"
#include "core/eval/spread.h"
#include "dist/stop_signal.h"
#include "launcher/options/config.h"
#include "launcher/report/report.h"
#include "launcher/run_folder.h"
#include "launcher/training_run.h"

namespace hone::launcher {
namespace {

OrderedJson to_json(const EvalResult& result) {
  return {{"loss", result.loss},
          {"perplexity", std::exp(result.loss)},
          {"mean_token_accuracy", result.mean_token_accuracy},
          {"tokens", result.tokens}};
}

// Mean and sample standard deviation over the folds of every number a fold has.
OrderedJson summary(const std::vector<OrderedJson>& folds) {
  OrderedJson mean, deviation;
  for (const auto& [key, value] : folds.front().items()) {
    std::vector<double> values;
    for (const OrderedJson& fold : folds) values.push_back(fold.at(key));
    const eval::Spread spread = eval::spread_of(values);
    mean[key] = spread.mean;
    deviation[key] = spread.deviation;
  }
  return {{"folds", folds.size()}, {"mean", mean}, {"std", deviation}, {"results", folds}};
}

void publish(CommandContext& context, const std::vector<OrderedJson>& folds) {
  const std::string& dir = context.run_dir;
  const OrderedJson all = summary(folds);
  write_file_atomic(dir + "/folds.json", all.dump(2) + "\n");
  write_status(dir, {.state = "done", .exit_code = 0});
  report::write_report(report::load_runs(dir), dir + "/report.html");
  context.log.info("held-out loss over {} folds: {:.4f} +- {:.4f}", folds.size(),
                   all["mean"]["loss"].get<double>(), all["std"]["loss"].get<double>());
  context.log.info("report: {}/report.html", dir);
  context.out.json(all);
}

}  // namespace

int run_folds(CommandContext& context, Communicator& communicator) {
  const Config asked = context.config();
  const bool leads = context.session.rank() == 0;
  const std::int64_t count = asked.train.folds;
  std::vector<OrderedJson> results;
  if (leads) write_file_atomic(asked.run.dir + "/config.cfg", print_config(asked));
  const dist::StopSignals signals(context.session.launched());
  const auto stopped = [&](int code) {
    if (leads) write_status(asked.run.dir, {.state = "stopped", .exit_code = code});
    return code;
  };
  for (std::int64_t number = 0; number < count; ++number) {
    if (dist::stop_agreed(communicator)) return stopped(static_cast<int>(Exit::stopped));
    context.config() = asked;
    context.config().run.dir = report::fold_folder(asked.run.dir, number + 1);
    open_run_folder(context, communicator);
    context.log.info("fold {} of {}", number + 1, count);
    TrainingRun run(context, communicator, {.fold = data::Fold{number, count}, .scratch = {}});
    if (const int code = run.run(); code != 0) return stopped(code);
    results.push_back(to_json(run.evaluate()));
    if (leads) write_file_atomic(context.run_dir + "/fold.json", results.back().dump(2) + "\n");
  }
  context.config() = asked;
  context.run_dir = asked.run.dir;
  if (leads) publish(context, results);
  return 0;
}

}  // namespace hone::launcher
