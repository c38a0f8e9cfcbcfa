#include <algorithm>
#include <cmath>

#include "launcher/report/line_chart.h"
#include "launcher/report/number_text.h"
#include "launcher/report/sections.h"
#include "launcher/report/summary.h"

namespace hone::report {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts)
    if (!part.empty()) text += (text.empty() ? "" : " · ") + part;
  return text;
}

// "2025-01-31T12:00:00Z" as people write it; anything else as it is.
std::string moment_text(std::string moment) {
  if (moment.size() < 16 || moment[10] != 'T') return moment;
  moment[10] = ' ';
  const bool utc = moment.back() == 'Z';
  return moment.substr(0, 16) + (utc ? " UTC" : "");
}

std::string adapter_text(const ReportInput& run) {
  const bool lora = run.setting("adapter.type") == "lora";
  if (run.setting("adapter.type").empty()) return "";
  return lora ? "LoRA rank " + run.setting("adapter.rank") : "all weights";
}

std::string describe(const ReportInput& run) {
  const std::string quantized = run.setting("model.quantize") == "nf4" ? "NF4" : "";
  return joined({model_name(run), run.setting("objective.name"), adapter_text(run), quantized,
                 run.setting("model.dtype"), moment_text(run.facts.started), run.facts.host});
}

void add_state(Html& html, const ReportInput& run) {
  if (!run.status) return;
  const std::string& state = run.status->state;
  const char* kind = state == "done" ? "state good" : state == "failed" ? "state bad" : "state";
  html.leaf("span", {{"class", kind}}, state);
}

void add_failure(Html& html, const ReportInput& run) {
  if (run.status && !run.status->message.empty()) html.leaf("p", {{"class", "failure"}}, run.status->message);
}

// A tile for what was measured; none otherwise.
void add_tile(Html& html, std::string_view label, double measured, const std::string& value,
              const std::string& note) {
  if (!std::isfinite(measured)) return;
  html.element("div", {{"class", "card tile"}}, [&] {
    html.leaf("dt", label);
    html.leaf("dd", {{"class", "value"}}, value);
    if (!note.empty()) html.leaf("dd", {{"class", "note"}}, note);
  });
}

std::string if_measured(double measured, const std::string& text) {
  return std::isfinite(measured) ? text : "";
}

std::string counted(double count, const std::string& thing) {
  return if_measured(count, rounded_text(count, 4) + " " + thing + (count == 1 ? "" : "s"));
}

void add_tiles(Html& html, const ReportInput& run) {
  const Summary s = summarize(run);
  const RunFacts& facts = run.facts;
  const Point best = s.best_eval.value_or(Point{kNotMeasured, kNotMeasured});
  html.element("dl", {{"class", "tiles"}}, [&] {
    add_tile(html, "Train loss", s.last_loss, rounded_text(s.last_loss),
             "was " + rounded_text(s.first_loss) + " at the start");
    add_tile(html, "Best held-out loss", best.y, rounded_text(best.y), "at step " + rounded_text(best.x, 9));
    if (run.status && run.status->best_step > 0)
      add_tile(html, "Best model", 1, "step " + count_text(run.status->best_step),
               "by " + run.setting("train.metric") + "; its checkpoint is kept");
    add_tile(
        html, "Steps", s.step, rounded_text(s.step, 9),
        joined({if_measured(facts.steps, "of " + rounded_text(facts.steps, 9)), counted(s.epochs, "epoch")}));
    add_tile(html, "Tokens", s.tokens, short_count_text(s.tokens),
             if_measured(s.supervised_tokens, short_count_text(s.supervised_tokens) + " supervised"));
    add_tile(html, "Tokens per second", s.tokens_per_second, rounded_text(s.tokens_per_second, 3),
             duration_text(s.seconds_per_step) + " a step");
    add_tile(html, "Wall time", s.seconds, duration_text(s.seconds), counted(s.ranks, "rank"));
    add_tile(html, "Trained parameters", facts.trainable_parameters,
             short_count_text(facts.trainable_parameters),
             if_measured(facts.parameters, percent_text(facts.trainable_parameters / facts.parameters) +
                                               " of " + short_count_text(facts.parameters)));
    add_tile(html, "Peak memory", s.memory, bytes_text(s.memory), "on one rank");
  });
}

void add_run_row(Html& html, Runs runs, std::size_t index) {
  const ReportInput& run = runs[index];
  const Summary s = summarize(run);
  html.element("tr", [&] {
    html.element("th", {{"scope", "row"}}, [&] {
      html.leaf("i", {{"class", "key " + color_class(index)}}, "");
      html.text(run.name);
      html.leaf("small", {{"class", "under"}}, describe(run));
      add_failure(html, run);
    });
    html.element("td", [&] { add_state(html, run); });
    html.leaf("td", {{"class", "n"}}, rounded_text(s.last_loss));
    html.element("td", {{"class", "n"}}, [&] {
      html.text(s.best_eval ? rounded_text(s.best_eval->y) : "–");
      if (s.best_eval) html.leaf("small", {{"class", "under"}}, "step " + rounded_text(s.best_eval->x, 9));
    });
    html.leaf("td", {{"class", "n"}}, rounded_text(s.step, 9));
    html.leaf("td", {{"class", "n"}}, short_count_text(s.tokens));
    html.leaf("td", {{"class", "n"}}, rounded_text(s.tokens_per_second, 3));
    html.leaf("td", {{"class", "n"}}, duration_text(s.seconds));
    html.leaf("td", {{"class", "n"}}, rounded_text(s.ranks, 9));
    html.leaf("td", {{"class", "n"}}, short_count_text(run.facts.trainable_parameters));
  });
}

void add_run_table(Html& html, Runs runs) {
  html.element("div", {{"class", "card wide"}}, [&] {
    html.element("table", [&] {
      html.element("thead", [&] {
        html.element("tr", [&] {
          html.leaf("th", "Run");
          html.leaf("th", "State");
          for (const char* column : {"Train loss", "Best held-out", "Steps", "Tokens", "Tokens/s",
                                     "Wall time", "Ranks", "Trained"})
            html.leaf("th", {{"class", "n"}}, column);
        });
      });
      html.element("tbody", [&] {
        for (std::size_t i = 0; i < runs.size(); ++i) add_run_row(html, runs, i);
      });
    });
  });
}

}  // namespace

void add_header(Html& html, Runs runs) {
  const bool one = runs.size() == 1;
  html.element("header", [&] {
    html.leaf("p", {{"class", "brand"}}, "Hone");
    html.element("h1", [&] {
      html.text(one ? runs[0].name : std::to_string(runs.size()) + " runs side by side");
      if (one) add_state(html, runs[0]);
    });
    if (one) html.leaf("p", {{"class", "about"}}, describe(runs[0]));
    if (one) add_failure(html, runs[0]);
  });
  if (one)
    add_tiles(html, runs[0]);
  else
    add_run_table(html, runs);
}

void add_run_name(Html& html, Runs runs, std::size_t index) {
  if (runs.size() == 1) return;
  html.element("h3", {{"class", "run"}}, [&] {
    html.leaf("i", {{"class", "key " + color_class(index)}}, "");
    html.text(runs[index].name);
  });
}

}  // namespace hone::report
