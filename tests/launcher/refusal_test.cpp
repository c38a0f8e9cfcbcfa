// Every way to get a command line or a config file wrong: the exit code, and what the one line says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/options/command_line.h"
#include "launcher/options/command_options.h"
#include "tests/base/bad_inputs.h"
#include "tests/base/temporary_folder.h"

namespace hone::launcher {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Command command_under_test() {
  return {.name = "generate", .line = "", .arguments = "[DIR]", .options = ExtraOptions::of<GenerateOptions>};
}

struct BadWords {
  std::vector<std::string> words;
  std::string code, says;
};

const std::vector<BadWords>& bad_words() {
  static const std::vector<BadWords> table = {
      {{"--optim.rl", "1"}, "US003", "--optim.rl; did you mean --optim.lr?"},
      {{"--lr=1"}, "US003", "did you mean --optim.lr?"},
      {{"--rank", "8"}, "US003", "did you mean --adapter.rank?"},
      {{"--Optim.LR", "1"}, "US003", "did you mean --optim.lr?"},
      {{"--max-new-tokens", "3"}, "US003", "did you mean --max_new_tokens?"},
      {{"--train.batchsize", "3"}, "US003", "did you mean --train.batch_size?"},
      {{"--optim.l", "1"}, "US003", "did you mean --optim.lr?"},  // a prefix is no name: no guessing
      {{"--print_config"}, "US003", "did you mean --print-config?"},
      {{"--qqqqqqqqqqqq"}, "US003", "--help lists the options"},
      {{"--" + std::string(5000, 'x')}, "US003", "unknown option"},
      {{"--optim.lr"}, "US004", "--optim.lr"},
      {{"--optim.lr", "--data.eval", "x"},
       "US004",
       "option without a value: --optim.lr: followed by --data.eval"},
      {{"--config"}, "US004", "--config"},
      {{"--help=please"}, "US004", "--help"},
      {{"--optim.lr", "fast"}, "US005", "--optim.lr: optim.lr = \"fast\" is not a number or auto"},
      {{"--optim.lr", "1e-3x"}, "US005", "\"1e-3x\""},
      {{"--optim.lr", "1,5"}, "US005", "\"1,5\""},
      {{"--optim.eps", "nan"}, "US005", "is not a number"},
      {{"--optim.eps", "inf"}, "US005", "is not a number"},
      {{"--optim.eps", "1e999"}, "US005", "is not a number"},
      {{"--optim.eps", ""}, "US005", "is not a number"},
      {{"--optim.eps", "auto"}, "US005", "is not a number"},
      {{"--train.batch_size", "1.5"}, "US005", "is not a whole number"},
      {{"--train.batch_size", "1e3"}, "US005", "is not a whole number"},
      {{"--train.batch_size", "99999999999999999999"}, "US005", "is not a whole number"},
      {{"--train.steps", "none"}, "US005", "is not a whole number or auto"},
      {{"--data.packing", "yes"}, "US005", "is not true or false"},
      {{"--data.packing", "True"}, "US005", "is not true or false"},
      {{"--data.packing", "1"}, "US005", "is not true or false"},
      {{"--chat", "on"}, "US005", "chat = \"on\" is not true or false"},
      {{"--adapter.targets", "q_proj,,v_proj"}, "US005", "empty element"},
      {{"--adapter.targets", "q_proj,"}, "US005", "empty element"},
      {{"--adapter.targets", ","}, "US005", "empty element"},
      {{"--train.batch_size", "0"}, "US006", "is not 1 or more"},
      {{"--train.batch_size", "-4"}, "US006", "is not 1 or more"},
      {{"--adapter.rank", "65537"}, "US006", "is not between 1 and 65536"},
      {{"--adapter.dropout", "1"}, "US006", "is not between 0 and 0.999"},
      {{"--optim.lr=-1"}, "US006", "is not 0 or more"},
      {{"--top_p", "1.01"}, "US006", "is not between 0 and 1"},
      {{"--train.steps", "0"}, "US006", "is not 1 or more"},
      {{"--adapter.type", "lorra"}, "US007", "is none of none, lora"},
      {{"--adapter.type", "Lora"}, "US007", "is none of none, lora"},
      {{"--adapter.type", ""}, "US007", "is none of none, lora"},
      {{"--model.dtype", "float32"}, "US007", "is none of auto, bf16, fp16, fp32"},
      {{"a", "b"}, "US008", "\"b\"; usage: hone generate [DIR]"},
      {{"a", "-x"}, "US008", "\"-x\""},
      {{"--model.path", "\xff\xfe"}, "US011", "model.path is not valid UTF-8"},
      {{"--prompt", "\xc3"}, "US011", "prompt is not valid UTF-8"},
      {{"--model.path", "a\nb"}, "US011", "control character"},
      {{"--model.path", std::string("a\0b", 3)}, "US011", "NUL"},
      {{"--prompt", std::string((1 << 20) + 1, 'a')}, "US011", "limit 1048576"},
  };
  return table;
}

TEST(Refusals, EveryBadCommandLineIsExitTwoAndSaysWhatToDo) {
  for (const BadWords& bad : bad_words()) {
    const std::string shown = testing::PrintToString(bad.words).substr(0, 200);
    try {
      parse_command_line(command_under_test(), bad.words);
      ADD_FAILURE() << "accepted: " << shown;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::usage) << shown;
      EXPECT_THAT(error.what(),
                  AllOf(StartsWith("error[" + bad.code + "]: "), HasSubstr(bad.says), Not(HasSubstr("\n"))))
          << shown;
      EXPECT_LT(std::string(error.what()).size(), 400u) << shown;
    }
  }
  print_bad_inputs("command line", bad_words().size());
}

struct BadConfig {
  std::string text, code, says;
};

const std::vector<BadConfig>& bad_configs() {
  static const std::vector<BadConfig> table = {
      {"[optim]\nlr\n", "CF001", "bad.cfg:2: \"lr\"; write key = value"},
      {"[optim\nlr = 1\n", "CF001", "bad.cfg:1"},
      {"[]\n", "CF001", "a section is written [name]"},
      {"[optim] # main\n", "CF001", "bad.cfg:1"},
      {"[op tim]\n", "CF001", "bad.cfg:1"},
      {"[optim]\n= 1\n", "CF001", "bad.cfg:2"},
      {"[optim]\nlr rate = 1\n", "CF001", "bad.cfg:2"},
      {"[optim]\n; a comment of another dialect\n", "CF001", "# comment"},
      {std::string("\x7f\x45LF\0\0\x01\n", 8), "CF001", "bad.cfg:1"},
      {"[optim]\nlr = 1\n[optmi]\nlr = 1\n", "CF002", "bad.cfg:4: [optmi]; did you mean [optim]?"},
      {"[zzzzzzzz]\nlr = 1\n", "CF002", "bad.cfg:2: [zzzzzzzz]"},
      {"[generate]\nprompt = x\n", "CF002", "[generate]"},  // options of a command are in no file
      {"[optim]\nwarmup = 1\n", "CF003", "bad.cfg:2: optim.warmup"},
      {"[adapter]\n\n\nrnak = 1\n", "CF003", "bad.cfg:4: adapter.rnak; did you mean adapter.rank?"},
      {"lr = 1\n", "CF004", "bad.cfg:1"},
      {"[optim]\nlr = 2e-4 # high\n", "CF005", "a comment stands on a line of its own"},
      {"[optim]\nlr = fast\n", "CF005", "bad.cfg:2: optim.lr = \"fast\" is not a number or auto"},
      {"[data]\r\npacking = yes\r\n", "CF005", "bad.cfg:2"},
      {"[data]\ntrain = a,,b\n", "CF005", "empty element"},
      {"[train]\nbatch_size = 0\n", "CF006", "bad.cfg:2"},
      {"[schedule]\nwarmup_ratio = 1.5\n", "CF006", "is not between 0 and 1"},
      {"[model]\nquantize = int4\n", "CF007", "is none of none, nf4"},
      {"[model]\nquantize = nf4 # four bits\n", "CF007", "is none of none, nf4"},
      {"[model]\npath = \xff\n", "CF011", "bad.cfg:2"},
      {"[model]\npath = a\x01"
       "b\n",
       "CF011", "control character"},
  };
  return table;
}

TEST(Refusals, EveryBadConfigLineIsExitTwoAndNamesFileAndLine) {
  const TemporaryFolder folder;
  for (const BadConfig& bad : bad_configs()) {
    const std::vector<std::string> words = {"--config", folder.write("bad.cfg", bad.text)};
    try {
      parse_command_line(command_under_test(), words);
      ADD_FAILURE() << "accepted: " << bad.text;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit(), Exit::usage) << bad.text;
      EXPECT_THAT(error.what(), AllOf(StartsWith("error[" + bad.code + "]: "), HasSubstr(bad.says)))
          << bad.text;
    }
  }
  print_bad_inputs(".cfg", bad_configs().size());
}

void expect_input_error(const std::string& path) {
  try {
    parse_command_line(command_under_test(), std::vector<std::string>{"--config", path});
    ADD_FAILURE() << "accepted: " << path;
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::input);
    EXPECT_THAT(error.what(), HasSubstr(path));
  }
}

TEST(Refusals, AConfigThatIsNoReadableFileIsExitThree) {
  const TemporaryFolder folder;
  expect_input_error(folder.file("missing.cfg"));
  expect_input_error(folder.path());
  expect_input_error("/dev/null");
  expect_input_error(folder.write("huge.cfg", std::string((1 << 20) + 1, '#')));
}

TEST(Refusals, AMissingArgumentShowsTheUsage) {
  const Command report{.name = "report", .line = "", .arguments = "DIR..."};
  try {
    parse_command_line(report, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "error[US008]: argument missing: usage: hone report DIR...");
  }
}

TEST(Refusals, AnOptionTheCommandNeedsIsNamedWithItsMeaning) {
  const CommandLine line =
      parse_command_line(command_under_test(), std::vector<std::string>{"--prompt", "x"});
  EXPECT_NO_THROW(require_given(line, "prompt"));
  try {
    require_given(line, "model.path");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("--model.path"), HasSubstr("Hugging Face folder")));
  }
}

TEST(Refusals, AnUnknownCommandNamesTheNearest) {
  const std::vector<Command> table = {{.name = "train", .line = ""}, {.name = "evaluate", .line = ""}};
  try {
    find_command(table, "trian");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "error[US002]: unknown command: \"trian\"; did you mean train?");
    EXPECT_EQ(error.exit(), Exit::usage);
  }
}

}  // namespace
}  // namespace hone::launcher
