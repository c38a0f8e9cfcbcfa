#include "launcher/options/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/options/command_line.h"
#include "launcher/options/command_options.h"
#include "launcher/options/help.h"
#include "tests/base/temporary_folder.h"

namespace hone::launcher {
namespace {

using testing::HasSubstr;

const Command kTrain{
    .name = "train",
    .line = "fine-tune a model",
    .sections = {"model", "adapter", "objective", "data", "train", "optim", "schedule", "dist", "run"},
    .examples = {"hone train --config sft.cfg"}};

Config read_back(const std::string& text) {
  const TemporaryFolder folder;
  return parse_command_line(kTrain, std::vector<std::string>{"--config", folder.write("c.cfg", text)}).config;
}

Config unusual() {
  Config config;
  config.model.path = "a path/with # and = [signs]";
  config.model.adapters = {"first one", "second#"};
  config.data.eval = {};
  config.optim.lr = 0.1 + 0.2;
  config.optim.eps = 5e-324;
  config.optim.beta2 = 1.0 / 3;
  config.train.steps = 9007199254740993;
  config.train.seed = 0;
  config.data.packing = false;
  config.dist.timeout_s = 1e22;
  return config;
}

TEST(Config, PrintedReadsBackExactly) {
  for (const Config& config : {Config(), unusual()}) {
    const std::string text = print_config(config);
    const Config again = read_back(text);
    EXPECT_EQ(print_config(again), text);
    EXPECT_EQ(flatten(again), flatten(config));
    EXPECT_EQ(config_digest(again), config_digest(config));
  }
  const Config again = read_back(print_config(unusual()));
  EXPECT_EQ(again.optim.lr, 0.1 + 0.2);
  EXPECT_EQ(again.optim.beta2, 1.0 / 3);
  EXPECT_EQ(again.train.steps, 9007199254740993);
  EXPECT_EQ(again.model.adapters, unusual().model.adapters);
}

TEST(Config, EveryFieldRoundTripsThroughItsOwnDefault) {
  Config config;
  for (const Field& field : fields_of(config)) {
    const std::string before = text_of(field);
    ASSERT_NO_THROW(set_field(field, before, {})) << field.key();
    EXPECT_EQ(text_of(field), before) << field.key();
  }
}

TEST(Config, FieldListsAreWellFormed) {
  Config config;
  std::set<std::string> keys;
  for (const Field& field : fields_of(config)) {
    EXPECT_TRUE(keys.insert(field.key()).second) << field.key();
    EXPECT_NE(std::string(field.info.help), "") << field.key();
    EXPECT_LT(field.info.min, field.info.max + (field.key() == "dist.zero")) << field.key();
  }
}

TEST(Config, AnyChangeChangesTheDigest) {
  Config changed;
  changed.optim.eps = 1e-7;
  EXPECT_NE(config_digest(changed), config_digest(Config()));
}

TEST(Config, OnResumeOnlyTheContractsKeysMayChange) {
  const auto keys = keys_that_may_change_on_resume();
  for (const char* key : {"dist.backend", "dist.zero", "dist.deterministic", "dist.timeout_s",
                          "train.micro_tokens", "train.steps", "train.eval_every", "train.save_every",
                          "train.log_every", "train.keep", "train.resume", "run.dir"})
    EXPECT_TRUE(keys.contains(key)) << key;
  for (const char* key :
       {"optim.lr", "schedule.name", "train.batch_size", "train.seed", "model.path", "train.epochs"})
    EXPECT_FALSE(keys.contains(key)) << key;
}

TEST(Help, ShowsEveryKeyWithSentenceDefaultRangeUnitAndChoices) {
  const std::string help = command_help(kTrain);
  Config config;
  for (const Field& field : fields_of(config)) EXPECT_THAT(help, HasSubstr("--" + field.key() + " "));
  std::string flat;  // without the wrapping
  for (const char c : help)
    if (!((c == ' ' || c == '\n') && flat.ends_with(' '))) flat += c == '\n' ? ' ' : c;
  for (const Field& field : fields_of(config)) EXPECT_THAT(flat, HasSubstr(field.info.help));
  EXPECT_THAT(flat, HasSubstr("rank r of the adapter [default 16; 1 to 65536]"));
  EXPECT_THAT(flat, HasSubstr("[default 2048; 1 or more tokens]"));
  EXPECT_THAT(flat, HasSubstr("--model.quantize none|nf4 "));
  EXPECT_THAT(flat, HasSubstr("hone train --config sft.cfg"));
}

TEST(Help, LinesFitAndOptionsOfTheCommandAreThere) {
  const std::string help = command_help(
      {.name = "generate", .line = "x", .sections = {"model"}, .options = ExtraOptions::of<GenerateOptions>});
  EXPECT_THAT(help, HasSubstr("--max_new_tokens N"));
  EXPECT_THAT(help, HasSubstr("--model.path TEXT"));
  EXPECT_EQ(help.find("--optim.lr"), std::string::npos);
  std::size_t length = 0;
  for (const char c : command_help(kTrain)) {
    length = c == '\n' ? 0 : length + 1;
    ASSERT_LE(length, 110u);
  }
}

TEST(Help, TheGeneralPageListsTheCommandsAndTwoExamples) {
  const std::string help = general_help({kTrain, {.name = "generate", .line = "answer prompts"}});
  EXPECT_THAT(help, HasSubstr("train      fine-tune a model"));
  EXPECT_THAT(help, HasSubstr("generate   answer prompts"));
  EXPECT_THAT(help, HasSubstr("  hone train --config"));
  EXPECT_THAT(help, HasSubstr("  hone generate --model.path"));
}

}  // namespace
}  // namespace hone::launcher
