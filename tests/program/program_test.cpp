// The whole program but for its process: what is printed where, and the exit code.
#include "launcher/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/commands.h"
#include "launcher/options/command_line.h"
#include "launcher/options/help.h"
#include "tests/base/temporary_folder.h"

namespace hone::launcher {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct Outcome {
  int code;
  std::string out, err;
};

Outcome hone(const std::vector<std::string>& words) {
  dist::MpiSession session;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run_program(words, session);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

void expect_one_error_line(const std::vector<std::string>& words, int code, const std::string& says) {
  const Outcome outcome = hone(words);
  EXPECT_EQ(outcome.code, code) << outcome.err;
  EXPECT_THAT(outcome.err, StartsWith("error["));
  EXPECT_THAT(outcome.err, HasSubstr(says));
  EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
  EXPECT_THAT(outcome.out, IsEmpty());
}

TEST(Program, EveryFailureIsOneLineAndItsExitCode) {
  expect_one_error_line({}, 2, "hone --help");
  expect_one_error_line({"inspekt"}, 2, "did you mean inspect?");
  expect_one_error_line({"--optim.lr", "1"}, 2, "unknown command");
  expect_one_error_line({"inspect"}, 2, "argument missing");
  expect_one_error_line({"inspect", "everything"}, 2, "model, tokens, chat, data or checkpoint");
  expect_one_error_line({"inspect", "model"}, 2, "--model.path");
  expect_one_error_line({"inspect", "tokens", "--model.path", "m"}, 2, "--input");
  expect_one_error_line({"inspect", "checkpoint"}, 2, "hone inspect checkpoint DIR");
  expect_one_error_line({"inspect", "chat", "extra", "--model.path", "m"}, 2, "\"extra\"");
  expect_one_error_line({"inspect", "model", "--model.path", "/nonexistent"}, 3, "/nonexistent");
  expect_one_error_line({"inspect", "checkpoint", "/nonexistent"}, 3, "/nonexistent");
  expect_one_error_line({"inspect", "model", "--config", "/nonexistent.cfg"}, 3, "/nonexistent.cfg");
  expect_one_error_line({"report", "/nonexistent"}, 3, "/nonexistent");
  const TemporaryFolder folder;
  expect_one_error_line({"inspect", "checkpoint", folder.path()}, 4, folder.path());
}

TEST(Program, HelpAndVersionGoToStandardOutput) {
  const Outcome help = hone({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.err, IsEmpty());
  for (const Command& command : commands()) EXPECT_THAT(help.out, HasSubstr("\n  " + command.name));
  const Outcome version = hone({"--version"});
  EXPECT_THAT(version.out, StartsWith("hone "));
  for (const char* part : {"LibTorch 2.", "CUDA: ", "MPI", "HDF5"}) EXPECT_THAT(version.out, HasSubstr(part));
}

TEST(Program, PrintedConfigReadsBackTheSame) {
  const TemporaryFolder folder;
  const Outcome first = hone({"inspect", "--print-config", "--optim.lr", "0.1", "--data.train", "a,b"});
  EXPECT_EQ(first.code, 0);
  const std::string path = folder.write("again.cfg", first.out);
  EXPECT_EQ(hone({"inspect", "--print-config", "--config", path}).out, first.out);
}

TEST(Commands, EachHasHelpARunFunctionAndExamplesThatParse) {
  for (const Command& command : commands()) {
    EXPECT_NE(command.run, nullptr) << command.name;
    EXPECT_FALSE(command.examples.empty()) << command.name;
    const Outcome help = hone({command.name, "--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_THAT(help.out, HasSubstr(command.line));
    const ExtraOptions extra = command.options();
    for (const Field& field : extra.fields()) EXPECT_THAT(help.out, HasSubstr("--" + field.key() + " "));
  }
}

// An example's words, up to shell syntax; quotes hold blanks together.
std::vector<std::string> words_of(const std::string& example) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (const char c : example) {
    if (c == '"')
      quoted = !quoted;
    else if (c != ' ' || quoted)
      words.back() += c;
    else if (!words.back().empty())
      words.emplace_back();
  }
  return words;
}

TEST(Commands, ExamplesAreCommandLinesThatParse) {
  for (const Command& command : commands())
    for (const std::string& example : command.examples) {
      std::vector<std::string> words = words_of(example);
      const auto name = std::find(words.begin(), words.end(), command.name);
      ASSERT_NE(name, words.end()) << example;
      std::vector<std::string> rest;
      for (auto word = name + 1; word != words.end(); ++word) {
        if (*word == "--config")
          ++word;  // a file that a reader has and this test has not
        else
          rest.push_back(*word);
      }
      EXPECT_NO_THROW(parse_command_line(command, rest)) << example;
    }
}

TEST(Program, EvaluateShowsTheOneKeyOfTrainThatItHeeds) {
  const std::string help = hone({"evaluate", "--help"}).out;
  EXPECT_THAT(help, HasSubstr("[train]\n  --train.micro_tokens"));
  EXPECT_THAT(help, testing::Not(HasSubstr("--train.steps")));
}

}  // namespace
}  // namespace hone::launcher
