#pragma once
// What a report shows of one run, and how it is read from the run's folder. Only config.cfg, metrics.jsonl or
// status.json must be there; a file that is there but malformed is an Error (exit 3; a bad config line exit
// 2) naming file and line. Fields marked * are needed, the others may be absent or null: not measured.
// Unknown fields are left alone.
//
//   config.cfg       the effective config
//   metrics.jsonl    {"kind"*: "train"|"eval", "step"*: 1, "loss": ..., ...} a line; every other number is
//   kept under its
//                    name ("memory_bytes": the most on any rank); steps rise within a kind
//   status.json      core/base/run_status.h
//   run.json         facts of the run: {"parameters", "trainable_parameters", "ranks", "steps", "seconds":
//   wall time,
//                    "started": "2025-01-31T12:00:00Z", "host", "version"}
//   timing.json      {"ranks", "seconds": wall time, "phases"*: [{"name"*: "forward", "min"*: s, "avg"*: s,
//   "max"*: s}]}
//                    over ranks; what the phases leave of the wall time is shown as such
//   comparison.json  {"examples": held-out rows,
//                    "rows"*: [{"name"*: "base model", "loss" (per token), a score for each of
//                    core/eval/text_metrics.h's keys, "errors": {"any", a number of answers for each of
//                    core/eval/answer_errors.h's keys, "repetition", "unknown_words": shares,
//                    "examples": {key: answer}}}],
//                    "samples": [{"prompt"*, "expected"*, "base"*, "tuned"*}]}
//   fold.json        a fold of cross-validation on its held-out rows: {"loss"*, "perplexity"*, "mean_token_accuracy"*,
//                    "tokens"*}
//   data.json        {"sets"*: [{"name"*: "train", "rows", "tokens", "supervised_tokens", "truncated": rows,
//                    "longest": tokens, "dropped": {"reason": rows}}]}
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/run_status.h"
#include "launcher/report/points.h"

namespace hone::report {

inline constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

// The rows of one kind: the step of each, and a column per number, NaN where a row does not have it.
struct MetricTable {
  std::vector<double> steps;
  std::map<std::string, std::vector<double>> columns;

  Points points(const std::string& column) const;  // over steps; empty where there is no such column
  double last(const std::string& column) const;
  double sum(const std::string& column) const;  // of the finite values
};

struct Setting {
  std::string key;  // section.key
  std::string value;
};

struct RunFacts {
  double parameters = kNotMeasured, trainable_parameters = kNotMeasured;
  double ranks = kNotMeasured, steps = kNotMeasured, seconds = kNotMeasured;
  std::string started, host, version;
};

struct Phase {
  std::string name;
  double min = 0, avg = 0, max = 0;  // seconds over ranks
};

struct Timing {
  double ranks = kNotMeasured, seconds = kNotMeasured;
  std::vector<Phase> phases;
};

struct AnswerErrors {
  double any = kNotMeasured, repetition = kNotMeasured, unknown_words = kNotMeasured;
  std::map<std::string, double> answers;        // by key of the check
  std::map<std::string, std::string> examples;  // likewise
};

struct ComparisonRow {
  std::string name;
  double loss = kNotMeasured;
  std::map<std::string, double> scores;  // by key of the metric
  std::optional<AnswerErrors> errors;
};

struct Sample {
  std::string prompt, expected, base, tuned;
};

struct Comparison {
  double examples = kNotMeasured;
  std::vector<ComparisonRow> rows;
  std::vector<Sample> samples;
};

// Of one fold, on the rows it did not train on.
struct FoldScore {
  double loss = 0, perplexity = 0, accuracy = 0, tokens = 0;
};

struct DataSet {
  std::string name;
  double rows = kNotMeasured, tokens = kNotMeasured, supervised_tokens = kNotMeasured;
  double truncated = kNotMeasured, longest = kNotMeasured;
  std::vector<std::pair<std::string, double>> dropped;  // reason, rows
};

struct ReportInput {
  std::string name;  // the folder's
  std::vector<Setting> config;
  MetricTable train, eval;
  std::optional<RunStatus> status;
  RunFacts facts;
  std::optional<Timing> timing;
  std::optional<Comparison> comparison;
  std::optional<FoldScore> fold;
  std::vector<DataSet> data;

  std::string setting(const std::string& key) const;  // empty where not given
};

ReportInput load_run(const std::string& run_dir);

// A run's folder, or that of a cross-validation (fold-1, fold-2, ... in it): its folds.
std::vector<ReportInput> load_runs(const std::string& run_dir);
std::string fold_folder(const std::string& run_dir, std::int64_t number);  // number counts from 1

}  // namespace hone::report
