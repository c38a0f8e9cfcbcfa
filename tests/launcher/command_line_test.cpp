#include "launcher/options/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/options/command_options.h"
#include "tests/base/temporary_folder.h"

namespace hone::launcher {
namespace {

using testing::ElementsAre;

Command generate() {
  return {.name = "generate", .line = "answers", .options = ExtraOptions::of<GenerateOptions>};
}

CommandLine parse(const std::vector<std::string>& words, const Command& command = generate()) {
  return parse_command_line(command, words);
}

TEST(CommandLine, TakesBothFormsOfALongOption) {
  const CommandLine line = parse({"--optim.lr", "1e-3", "--adapter.rank=8", "--data.packing=false"});
  EXPECT_EQ(line.config.optim.lr, 1e-3);
  EXPECT_EQ(line.config.adapter.rank, 8);
  EXPECT_FALSE(line.config.data.packing);
}

TEST(CommandLine, AShortHAsksForHelpButCanBeAValue) {
  EXPECT_TRUE(parse({"-h"}).help);
  EXPECT_TRUE(parse({"--optim.lr", "1", "-h"}).help);
  const CommandLine line = parse({"--model.path", "-h"});
  EXPECT_FALSE(line.help);
  EXPECT_EQ(line.config.model.path, "-h");
}

TEST(CommandLine, WithoutOptionsEverythingIsDefault) {
  EXPECT_EQ(flatten(parse({}).config), flatten(Config()));
}

TEST(CommandLine, LaterBeatsEarlierAndTheCommandLineBeatsFiles) {
  const TemporaryFolder folder;
  const std::string first = folder.write("a.cfg", "[optim]\nlr = 1\nbeta1 = 0.5\n[adapter]\nrank = 4\n");
  const std::string second = folder.write("b.cfg", "[optim]\nlr = 2\nlr = 3\n");
  const CommandLine line =
      parse({"--adapter.rank", "7", "--config", first, "--adapter.rank=9", "--config=" + second});
  EXPECT_EQ(line.config.optim.lr, 3);
  EXPECT_EQ(line.config.optim.beta1, 0.5);
  EXPECT_EQ(line.config.adapter.rank, 9);
  EXPECT_EQ(line.given.at("optim.lr"), second + ":3");
  EXPECT_EQ(line.given.at("adapter.rank"), "--adapter.rank");
  EXPECT_FALSE(line.given.contains("optim.eps"));
}

TEST(CommandLine, AConfigFileHasCommentsBlanksAndCrlf) {
  const TemporaryFolder folder;
  const std::string path = folder.write("c.cfg",
                                        "\xEF\xBB\xBF# a comment\r\n\r\n[ model ]\r\n  path =  a b#c = d "
                                        "\r\n[data]\r\ntrain = x , y\r\neval =");
  const CommandLine line = parse({"--config", path});
  EXPECT_EQ(line.config.model.path, "a b#c = d");
  EXPECT_THAT(line.config.data.train, ElementsAre("x", "y"));
  EXPECT_TRUE(line.config.data.eval.empty());
}

TEST(CommandLine, ListsOptionalNumbersAndEmptyValues) {
  const CommandLine line = parse({"--adapter.targets", "q_proj, v_proj", "--train.steps", "auto",
                                  "--optim.lr=", "--adapter.init", "", "--data.eval="});
  EXPECT_THAT(line.config.adapter.targets, ElementsAre("q_proj", "v_proj"));
  EXPECT_EQ(line.config.train.steps, std::nullopt);
  EXPECT_EQ(line.config.optim.lr, std::nullopt);
  EXPECT_EQ(line.config.adapter.init, "");
  EXPECT_EQ(parse({"--train.steps", "5", "--train.steps", "auto"}).config.train.steps, std::nullopt);
}

TEST(CommandLine, OptionsOfTheCommandAreTakenVerbatim) {
  const CommandLine line = parse({"--prompt", "  two\nlines ", "--max_new_tokens", "3", "--chat", "true"});
  const auto& options = line.extra.get<GenerateOptions>();
  EXPECT_EQ(options.prompt, "  two\nlines ");
  EXPECT_EQ(options.max_new_tokens, 3);
  EXPECT_TRUE(options.chat);
  EXPECT_FALSE(options.json);
  EXPECT_EQ(parse({"--prompt=--chat"}).extra.get<GenerateOptions>().prompt, "--chat");
  EXPECT_EQ(parse({"--prompt", "-1 + 1 = ?"}).extra.get<GenerateOptions>().prompt, "-1 + 1 = ?");
}

TEST(CommandLine, ABooleanAloneIsTrue) {
  const CommandLine line = parse({"--chat", "--data.packing", "false", "--json"});
  EXPECT_TRUE(line.extra.get<GenerateOptions>().chat);
  EXPECT_TRUE(line.extra.get<GenerateOptions>().json);
  EXPECT_FALSE(line.config.data.packing);
}

TEST(CommandLine, FlagsAndArguments) {
  const Command inspect{.name = "inspect", .line = "looks", .arguments = "WHAT [DIR]"};
  EXPECT_THAT(parse({"checkpoint", "--data.shuffle", "false", "runs/a"}, inspect).arguments,
              ElementsAre("checkpoint", "runs/a"));
  EXPECT_TRUE(parse({"--help"}, inspect).help);
  EXPECT_TRUE(parse({"--print-config", "--optim.lr", "1"}, inspect).print_config);
  const Command report{.name = "report", .line = "draws", .arguments = "DIR..."};
  EXPECT_THAT(parse({"a", "b", "c"}, report).arguments, ElementsAre("a", "b", "c"));
}

TEST(CommandLine, FindsCommandsByTheirWholeName) {
  const std::vector<Command> table = {generate(), {.name = "train", .line = "trains"}};
  EXPECT_EQ(find_command(table, "train").name, "train");
  EXPECT_THROW(find_command(table, "tra"), Error);
}

}  // namespace
}  // namespace hone::launcher
