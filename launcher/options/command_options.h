#pragma once
// Options that belong to one command: plain --name on its command line, never in a config file.
#include "core/base/fields.h"

namespace hone::launcher {

struct TrainCommandOptions {
  static constexpr const char* kSection = "";
  bool dry_run = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("dry-run", dry_run, {.help = "print config, steps and memory, or the error that training would end with, and "
                                       "leave nothing behind"});
  }
};

struct PrepareOptions {
  static constexpr const char* kSection = "";
  std::string output;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("output", output, {.help = "folder to write the prepared shards to"});
  }
};

struct GenerateOptions {
  static constexpr const char* kSection = "";
  std::string prompt;
  std::string input;
  bool chat = false;
  std::int64_t max_new_tokens = 128;
  double temperature = 0;
  std::int64_t top_k = 0;
  double top_p = 1;
  std::int64_t seed = 42;
  bool json = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("prompt", prompt, {.help = "the prompt, taken as it is"});
    visit("input", input, {.help = "JSON Lines file with rows of `prompt` or `messages`, instead of --prompt"});
    visit("chat", chat, {.help = "a string prompt is one user turn in the model's chat template"});
    visit("max_new_tokens", max_new_tokens, {.help = "longest answer", .unit = "tokens", .min = 1, .max = 1048576});
    visit("temperature", temperature, {.help = "0: always the likeliest token; else sample", .min = 0, .max = 100});
    visit("top_k", top_k, {.help = "sample among the k likeliest tokens; 0: all", .min = 0, .max = 1e9});
    visit("top_p", top_p, {.help = "sample among the likeliest tokens that hold this much probability",
                           .min = 0, .max = 1});
    visit("seed", seed, {.help = "seed of the sampling", .min = 0});
    visit("json", json, {.help = "one JSON line per prompt: index, text, ids; false: plain text"});
  }
};

struct EvaluateOptions {
  static constexpr const char* kSection = "";
  std::string per_example;
  bool generate = false;
  bool compare = false;
  std::int64_t max_new_tokens = 64;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("per_example", per_example, {.help = "JSON Lines file to write each example's log-probability to"});
    visit("generate", generate, {.help = "also answer each row and compare: exact match and ROUGE-L"});
    visit("compare", compare, {.help = "also without the adapters and against the commonest answer; with run.dir the "
                                       "table goes into the run's report"});
    visit("max_new_tokens", max_new_tokens, {.help = "longest generated answer", .unit = "tokens", .min = 1,
                                             .max = 1048576});
  }
};

struct MergeOptions {
  static constexpr const char* kSection = "";
  std::string output;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("output", output, {.help = "folder to write the merged model to"});
  }
};

struct ConvertOptions {
  static constexpr const char* kSection = "";
  std::string output;
  std::string quantize = "none";

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("output", output, {.help = "folder to write the model to, in Hugging Face's layout"});
    visit("quantize", quantize, {.help = "nf4: block linears in bitsandbytes' layout", .choices = {"none", "nf4"}});
  }
};

struct InspectOptions {
  static constexpr const char* kSection = "";
  std::string input;
  bool special = true;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("input", input, {.help = "tokens: a text file, one line each; chat: JSON Lines with `messages`"});
    visit("special", special, {.help = "tokens: add the special tokens that the tokenizer adds itself"});
  }
};

struct ReportOptions {
  static constexpr const char* kSection = "";
  std::string output;
  bool watch = false;
  double every_s = 5;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("output", output, {.help = "HTML file to write; where empty: report.html in the first run's folder"});
    visit("watch", watch, {.help = "write the page again while a run goes, and let browsers reload it; ends when all "
                                   "runs have ended"});
    visit("every_s", every_s, {.help = "how often, with --watch", .unit = "s", .min = 0.1, .max = 3600});
  }
};

struct ManualOptions {
  static constexpr const char* kSection = "";
  std::string format = "roff";
  std::string output;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("format", format, {.help = "roff: a manual page; markdown: all options on one page",
                             .choices = {"roff", "markdown"}});
    visit("output", output, {.help = "folder to write the manual pages of all commands to, instead of printing one"});
  }
};

}  // namespace hone::launcher
