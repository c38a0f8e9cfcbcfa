#include "launcher/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/base/file_system.h"
#include "data/source/jsonl_source.h"
#include "launcher/report/report.h"

namespace hone::launcher {
namespace {

constexpr std::size_t kSamples = 8;  // kept for the report; the console shows three

std::string last_answer(const data::Example& example) {
  if (example.kind == data::RowKind::plain) return example.completion_text;
  for (auto turn = example.messages.rbegin(); turn != example.messages.rend(); ++turn)
    if (turn->role == "assistant") return turn->content;
  return {};
}

std::string commonest_answer(const Config& config, const std::vector<JudgedRow>& rows) {
  std::map<std::string, std::int64_t> counts;
  if (!config.data.train.empty() && std::ranges::none_of(config.data.train, is_directory)) {
    for (const data::Example& example : data::read_examples(config.data.train, config.data.format))
      ++counts[last_answer(example)];
  } else {
    for (const JudgedRow& judged : rows) ++counts[judged.row.expected];
  }
  const auto most = std::max_element(counts.begin(), counts.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? std::string() : most->first;
}

// Evenly spread over the set, so that the choice is nobody's.
std::vector<std::size_t> sample_rows(std::size_t rows, std::size_t count) {
  std::vector<std::size_t> picked;
  for (std::size_t i = 0; i < count && i < rows; ++i) picked.push_back(i * rows / std::min(count, rows));
  return picked;
}

OrderedJson score_row(const std::string& name, const EvalResult* loss, const eval::TextScores& scores,
                      const eval::AnswerErrors* errors) {
  OrderedJson row{{"name", name}};
  if (loss) row["loss"] = loss->loss;
  row.update(to_json(scores));
  if (errors) {
    row["errors"] = to_json(*errors);
    row["errors"]["examples"] = errors->example;
  }
  return row;
}

OrderedJson to_json(const Comparison& c) {
  OrderedJson samples = OrderedJson::array();
  for (const std::size_t r : sample_rows(c.tuned.rows.size(), kSamples)) {
    const AnsweredRow &tuned = c.tuned.rows[r].row, &base = c.base.rows[r].row;
    samples.push_back({{"prompt", tuned.question},
                       {"expected", tuned.expected},
                       {"base", base.answer},
                       {"tuned", tuned.answer}});
  }
  return {{"examples", static_cast<std::int64_t>(c.tuned.rows.size())},
          {"rows",
           {score_row("base model", &c.base_loss, c.base.scores, &c.base.errors),
            score_row("always \"" + c.commonest_answer + "\"", nullptr, c.commonest, nullptr),
            score_row("tuned model", &c.tuned_loss, c.tuned.scores, &c.tuned.errors)}},
          {"samples", samples}};
}

std::string brief(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\t') c = ' ';
  return text.size() > 100 ? text.substr(0, 97) + "..." : text;
}

std::string table(const Comparison& c) {
  std::string out =
      fmt::format("\n{:<28}{:>14}{:>13}{:>10}\n", "", "held-out loss", "exact match", "ROUGE-L");
  const auto line = [&](const std::string& name, const std::string& loss, const eval::TextScores& s) {
    out += fmt::format("{:<28}{:>14}{:>13.3f}{:>10.3f}\n", name, loss, s.exact_match, s.rouge_l);
  };
  line("base model", fmt::format("{:.4f}", c.base_loss.loss), c.base.scores);
  line("always \"" + brief(c.commonest_answer) + "\"", "-", c.commonest);
  line("tuned model", fmt::format("{:.4f}", c.tuned_loss.loss), c.tuned.scores);
  for (const std::size_t r : sample_rows(c.tuned.rows.size(), 3)) {
    const AnsweredRow &tuned = c.tuned.rows[r].row, &base = c.base.rows[r].row;
    out += fmt::format("\n  {}\n    expected {}\n    base     {}\n    tuned    {}\n", brief(tuned.question),
                       brief(tuned.expected), brief(base.answer), brief(tuned.answer));
  }
  return out;
}

}  // namespace

Comparison compare(const Config& config, const Judging& judging, const EvalResult& base_loss,
                   JudgedAnswers base, const EvalResult& tuned_loss, JudgedAnswers tuned) {
  Comparison c{base_loss, tuned_loss, std::move(base), std::move(tuned), {}, {}};
  c.commonest_answer = commonest_answer(config, c.tuned.rows);
  std::vector<AnsweredRow> constant;
  for (const JudgedRow& judged : c.tuned.rows)
    constant.push_back({{}, judged.row.expected, c.commonest_answer});
  c.commonest = judge(constant, judging).scores;
  return c;
}

void publish(CommandContext& context, const Comparison& comparison) {
  context.log.info("{} held-out rows{}", comparison.tuned.rows.size(), table(comparison));
  const std::string& dir = context.config().run.dir;
  if (dir.empty()) return;
  write_file_atomic(dir + "/comparison.json",
                    to_json(comparison).dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
  report::write_report(report::load_run(dir), dir + "/report.html");
  context.log.info("report: {}/report.html", dir);
}

}  // namespace hone::launcher
