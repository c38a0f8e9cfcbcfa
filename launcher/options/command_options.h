#pragma once
// Options that belong to one command: plain --name on its command line, never in a config file.
#include "core/base/fields.h"

namespace hone::launcher {

struct TrainCommandOptions {
  static constexpr const char* kSection = "";
  bool dry_run = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("dry-run", dry_run,
          {.help = "print config, steps and memory, or the error that training would end with, and "
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
  std::string system;
  std::int64_t max_new_tokens = 128;
  double temperature = 0;
  std::int64_t top_k = 0;
  double top_p = 1;
  double min_p = 0;
  double repetition_penalty = 1;
  std::vector<std::string> stop;
  std::int64_t seed = 42;
  bool json = false;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("prompt", prompt, {.help = "the prompt, taken as it is"});
    visit("input", input,
          {.help = "JSON Lines file with rows of `prompt` or `messages`, instead of --prompt"});
    visit("chat", chat,
          {.help = "a string prompt is one user turn in the model's chat template; without --prompt and "
                   "--input: a conversation, a line of standard input a turn"});
    visit("system", system,
          {.help = "with --chat true: the system turn before the prompt or the conversation"});
    visit("max_new_tokens", max_new_tokens,
          {.help = "longest answer", .unit = "tokens", .min = 1, .max = 1048576});
    visit("temperature", temperature,
          {.help = "0: always the likeliest token; else sample", .min = 0, .max = 100});
    visit("top_k", top_k, {.help = "sample among the k likeliest tokens; 0: all", .min = 0, .max = 1e9});
    visit("top_p", top_p,
          {.help = "sample among the likeliest tokens that hold this much probability", .min = 0, .max = 1});
    visit("min_p", min_p,
          {.help = "sample among the tokens at least this many times as likely as the likeliest",
           .min = 0,
           .max = 1});
    visit(
        "repetition_penalty", repetition_penalty,
        {.help =
             "above 1: tokens already in prompt or answer become less likely, also without sampling; 1: off",
         .min = 0.01,
         .max = 100});
    visit("stop", stop,
          {.help = "strings that end an answer, which stops before them; \\n, \\t and \\\\ as in C"});
    visit("seed", seed, {.help = "seed of the sampling", .min = 0});
    visit("json", json,
          {.help = "one JSON line per prompt: index, text, ids; false: plain text, of one prompt as it "
                   "is made"});
  }
};

struct EvaluateOptions {
  static constexpr const char* kSection = "";
  std::string per_example;
  std::int64_t stride = 0;
  bool generate = false;
  bool compare = false;
  std::int64_t max_new_tokens = 64;
  bool rouge_stemmer = false;
  std::string word_list;
  std::string labels;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("per_example", per_example,
          {.help = "JSON Lines file to write each example's log-probability to, with "
                   "answers also their scores and errors"});
    visit("stride", stride,
          {.help = "score long plain texts in windows of data.max_length tokens that begin this far "
                   "apart; 0: rows as they are trained on",
           .unit = "tokens",
           .min = 0,
           .max = 1048576});
    visit("generate", generate,
          {.help = "also answer each row and compare: exact match, SQuAD's, BLEU, ROUGE, errors"});
    visit("compare", compare,
          {.help = "also without the adapters and against the commonest answer; with run.dir the "
                   "table goes into the run's report"});
    visit("max_new_tokens", max_new_tokens,
          {.help = "longest generated answer", .unit = "tokens", .min = 1, .max = 1048576});
    visit("rouge_stemmer", rouge_stemmer, {.help = "ROUGE on Porter's stems"});
    visit("word_list", word_list,
          {.help = "file with a word a line: words of answers that are not in it are errors"});
    visit("labels", labels,
          {.help = "file with an answer a line, or auto (all expected answers): others are errors"});
  }
};

struct MergeOptions {
  static constexpr const char* kSection = "";
  std::string output;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("output", output, {.help = "folder to write the merged model to: a new or an empty one"});
  }
};

struct ConvertOptions {
  static constexpr const char* kSection = "";
  std::string output;
  std::string quantize = "none";

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("output", output,
          {.help = "folder to write the model to, in Hugging Face's layout: a new or an empty one"});
    visit("quantize", quantize,
          {.help = "nf4: block linears in bitsandbytes' layout", .choices = {"none", "nf4"}});
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

struct PlanOptions {
  static constexpr const char* kSection = "";
  std::int64_t ranks = 1;
  std::string machine;
  double gpu_memory_gib = 0;
  double supervised = 1;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("ranks", ranks, {.help = "ranks of the run", .min = 1, .max = 1048576});
    visit("machine", machine,
          {.help = "description of a machine (configs/machines/*.cfg); where empty: no times"});
    visit("gpu_memory_gib", gpu_memory_gib,
          {.help = "memory of a rank's device; 0: as the machine has it", .unit = "GiB", .min = 0});
    visit("supervised", supervised,
          {.help = "share of the tokens that are learned: those meet the head", .min = 0, .max = 1});
  }
};

struct ReportOptions {
  static constexpr const char* kSection = "";
  std::string output;
  bool watch = false;
  double every_s = 5;

  template <class Visitor>
  void fields(Visitor&& visit) {
    visit("output", output,
          {.help = "HTML file to write; where empty: report.html in the first run's folder"});
    visit("watch", watch,
          {.help = "write the page again while a run goes, and let browsers reload it; ends when all "
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
    visit(
        "format", format,
        {.help = "roff: a manual page; markdown: all options on one page", .choices = {"roff", "markdown"}});
    visit("output", output,
          {.help = "folder to write the manual pages of all commands to, instead of printing one"});
  }
};

}  // namespace hone::launcher
