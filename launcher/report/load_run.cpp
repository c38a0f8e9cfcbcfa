#include <filesystem>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/base/metrics_log.h"
#include "core/eval/answer_errors.h"
#include "core/eval/text_metrics.h"
#include "core/formats/json_fields.h"
#include "launcher/options/config_file.h"
#include "launcher/report/run_input.h"

namespace hone::report {
namespace {

using formats::JsonFields;

constexpr double kMost = std::numeric_limits<double>::max();

double amount(const JsonFields& fields, const char* name) {
  return fields.number(name, 0, kMost).value_or(kNotMeasured);
}

double share(const JsonFields& fields, const char* name, double of) {
  return fields.number(name, 0, of * (1 + 1e-9)).value_or(kNotMeasured);
}

double needed_amount(const JsonFields& fields, const char* name) {
  const double value = amount(fields, name);
  if (value != value) fields.refuse("002", "key missing", name, "it is needed");
  return value;
}

const Json* list(const JsonFields& fields, const char* name) {
  const Json* value = fields.find(name);
  if (value && !value->is_array()) fields.refuse("004", "value of another type", name, "a list was expected");
  return value;
}

// make(fields of an element) for each element of a list.
template <class Make>
auto each(const JsonFields& file, const char* name, bool needed, Make&& make) {
  std::vector<decltype(make(file))> items;
  const Json* elements = list(file, name);
  if (!elements && needed) file.refuse("002", "key missing", name, "it is needed");
  if (elements)
    for (const Json& element : *elements) items.push_back(make(JsonFields(element, "RP", file.where())));
  return items;
}

RunFacts read_facts(const JsonFields& file) {
  RunFacts facts;
  facts.parameters = amount(file, "parameters");
  facts.trainable_parameters = amount(file, "trainable_parameters");
  facts.ranks = amount(file, "ranks"), facts.steps = amount(file, "steps"),
  facts.seconds = amount(file, "seconds");
  facts.started = file.string("started").value_or("");
  facts.host = file.string("host").value_or(""), facts.version = file.string("version").value_or("");
  return facts;
}

Phase read_phase(const JsonFields& phase) {
  Phase read{phase.need_string("name"), needed_amount(phase, "min"), needed_amount(phase, "avg"),
             needed_amount(phase, "max")};
  constexpr double kRounding = 1e-6;  // of an average of equal times
  if (read.min > read.avg * (1 + kRounding) || read.avg > read.max * (1 + kRounding))
    phase.refuse("003", "value out of range", read.name, "min <= avg <= max does not hold");
  return read;
}

Timing read_timing(const JsonFields& file) {
  return {amount(file, "ranks"), amount(file, "seconds"), each(file, "phases", true, read_phase)};
}

AnswerErrors read_errors(const JsonFields& fields) {
  AnswerErrors errors;
  errors.any = amount(fields, "any");
  errors.repetition = share(fields, "repetition", 1),
  errors.unknown_words = share(fields, "unknown_words", 1);
  const Json* examples = fields.find("examples");
  for (const eval::AnswerCheck& check : eval::answer_checks()) {
    if (fields.find(check.key)) errors.answers[check.key] = amount(fields, check.key);
    if (examples && examples->is_object())
      if (const auto example = JsonFields(*examples, "RP", fields.where()).string(check.key))
        errors.examples[check.key] = *example;
  }
  return errors;
}

ComparisonRow read_comparison_row(const JsonFields& row) {
  ComparisonRow read{
      row.need_string("name"), row.number("loss", -kMost, kMost).value_or(kNotMeasured), {}, {}};
  for (const eval::TextMetric& metric : eval::text_metrics())
    read.scores[metric.key] = share(row, metric.key, metric.most);
  if (const Json* errors = row.find("errors"))
    read.errors = read_errors(JsonFields(*errors, "RP", row.where()));
  return read;
}

Sample read_sample(const JsonFields& sample) {
  return {sample.need_string("prompt"), sample.need_string("expected"), sample.need_string("base"),
          sample.need_string("tuned")};
}

Comparison read_comparison(const JsonFields& file) {
  return {amount(file, "examples"), each(file, "rows", true, read_comparison_row),
          each(file, "samples", false, read_sample)};
}

FoldScore read_fold(const JsonFields& file) {
  return {needed_amount(file, "loss"), needed_amount(file, "perplexity"),
          needed_amount(file, "mean_token_accuracy"), needed_amount(file, "tokens")};
}

DataSet read_data_set(const JsonFields& set) {
  DataSet read{set.need_string("name"),
               amount(set, "rows"),
               amount(set, "tokens"),
               amount(set, "supervised_tokens"),
               amount(set, "truncated"),
               amount(set, "longest"),
               {}};
  if (const Json* dropped = set.find("dropped")) {
    const JsonFields reasons(*dropped, "RP", set.where());
    for (const auto& [reason, rows] : dropped->items())
      read.dropped.emplace_back(reason, needed_amount(reasons, reason.c_str()));
  }
  return read;
}

// What a file of the run says, where it is there.
template <class Read>
auto read_json(const std::string& path, Read&& read)
    -> std::optional<decltype(read(std::declval<JsonFields>()))> {
  if (!path_exists(path)) return std::nullopt;
  const Json json = parse_json_file(path, "RP001");
  return read(JsonFields(json, "RP", path));
}

void add_row(MetricTable& table, double step, const OrderedJson& row) {
  table.steps.push_back(step);
  for (const auto& [name, value] : row.items()) {
    if (name == "step" || !value.is_number()) continue;
    std::vector<double>& column = table.columns[name];
    column.resize(table.steps.size() - 1, kNotMeasured);
    column.push_back(value.get<double>());
  }
}

void load_metrics(const std::string& path, ReportInput& run) {
  std::size_t line = 0;
  for (const OrderedJson& row : read_metrics(path)) {
    const std::string where = path + ":" + std::to_string(++line);
    const std::string kind =
        row.contains("kind") && row["kind"].is_string() ? row["kind"].get<std::string>() : "";
    if (kind != "train" && kind != "eval")
      throw Error(Exit::input, "RP005", "not a metrics row", where, "its kind is neither train nor eval");
    MetricTable& table = kind == "train" ? run.train : run.eval;
    const double step = row["step"].get<double>();
    if (!table.steps.empty() && step <= table.steps.back())
      throw Error(Exit::input, "RP006", "steps do not rise", where,
                  kind + " rows must be in the order of their steps");
    add_row(table, step, row);
  }
  for (MetricTable* table : {&run.train, &run.eval})
    for (auto& [name, column] : table->columns) column.resize(table->steps.size(), kNotMeasured);
}

std::string folder_name(const std::string& path) {
  std::filesystem::path folder = std::filesystem::absolute(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  return folder.filename().string();
}

}  // namespace

ReportInput load_run(const std::string& run_dir) {
  if (!is_directory(run_dir))
    throw Error(Exit::input, "RP007", "not a run", run_dir, "there is no such folder");
  const auto path = [&](const char* file) { return run_dir + "/" + file; };
  const std::string metrics = path("metrics.jsonl"), config = path("config.cfg");
  const std::string status = path("status.json");
  if (!path_exists(metrics) && !path_exists(config) && !path_exists(status))
    throw Error(Exit::input, "RP007", "not a run", run_dir,
                "neither metrics.jsonl nor config.cfg nor status.json is in it");
  ReportInput run;
  run.name = folder_name(run_dir);
  if (path_exists(config))
    for (const launcher::ConfigLine& line : launcher::read_config_file(config))
      run.config.push_back({line.key, line.value});
  if (path_exists(metrics)) load_metrics(metrics, run);
  if (path_exists(status)) run.status = read_status(run_dir);
  run.facts = read_json(path("run.json"), read_facts).value_or(RunFacts{});
  run.timing = read_json(path("timing.json"), read_timing);
  run.comparison = read_json(path("comparison.json"), read_comparison);
  run.fold = read_json(path("fold.json"), read_fold);
  const auto read_sets = [](const JsonFields& file) { return each(file, "sets", true, read_data_set); };
  run.data = read_json(path("data.json"), read_sets).value_or(std::vector<DataSet>{});
  return run;
}

std::string fold_folder(const std::string& run_dir, std::int64_t number) {
  return run_dir + "/fold-" + std::to_string(number);
}

std::vector<ReportInput> load_runs(const std::string& run_dir) {
  std::vector<ReportInput> runs;
  for (std::int64_t number = 1; is_directory(fold_folder(run_dir, number)); ++number)
    runs.push_back(load_run(fold_folder(run_dir, number)));
  if (runs.empty()) runs.push_back(load_run(run_dir));
  return runs;
}

}  // namespace hone::report
