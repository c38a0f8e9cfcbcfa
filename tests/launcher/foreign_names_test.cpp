#include "launcher/options/foreign_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "launcher/options/command_line.h"
#include "launcher/options/command_options.h"
#include "tests/base/temporary_folder.h"

namespace hone::launcher {
namespace {

using testing::HasSubstr;

const Command kGenerate{.name = "generate", .line = "answers", .options = ExtraOptions::of<GenerateOptions>};

std::set<std::string> known_keys() {
  Config config;
  const ExtraOptions extra = kGenerate.options();
  std::set<std::string> keys;
  for (const Field& field : fields_of(config)) keys.insert(field.key());
  for (const Field& field : extra.fields()) keys.insert(field.key());
  return keys;
}

std::string error_of(const std::vector<std::string>& words) {
  try {
    parse_command_line(kGenerate, words);
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    return error.what();
  }
  return "no error";
}

TEST(ForeignNames, EveryKeyThatOneLeadsToExistsAndNoNameStandsTwice) {
  const std::set<std::string> keys = known_keys();
  std::set<std::string_view> names;
  for (const ForeignName& entry : foreign_names()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(keys.contains(std::string(entry.name))) << entry.name << " is a key of ours";
    EXPECT_FALSE(entry.keys.empty() && entry.how.empty()) << entry.name;
    for (const std::string_view key : entry.keys) EXPECT_TRUE(keys.contains(std::string(key))) << entry.name;
  }
  EXPECT_GE(names.size(), 60u);
}

TEST(ForeignNames, EachIsAnsweredWithItsKeyOnTheCommandLineAndInAFile) {
  const TemporaryFolder folder;
  for (const ForeignName& entry : foreign_names()) {
    const std::string name(entry.name);
    const std::string answer(entry.keys.empty() ? "out: " : entry.keys.front());
    EXPECT_THAT(error_of({"--" + name, "1"}), HasSubstr(answer));
    for (const char* section : {"train", "training"}) {
      const std::string file = folder.write("c.cfg", "[" + std::string(section) + "]\n" + name + " = 1\n");
      EXPECT_THAT(error_of({"--config", file}), HasSubstr(answer)) << section;
    }
  }
}

TEST(ForeignNames, TheAnswerSaysHowAValueCarriesOver) {
  EXPECT_EQ(error_of({"--per-device-train-batch-size=2"}),
            "error[US003]: unknown option: --per-device-train-batch-size; per_device_train_batch_size is "
            "train.batch_size "
            "here (it counts over all ranks: per device x accumulation x ranks)");
  EXPECT_THAT(error_of({"--LoRA_r", "8"}), HasSubstr("lora_r is adapter.rank here"));
  EXPECT_THAT(error_of({"--gradient_accumulation_steps", "4"}),
              HasSubstr("train.batch_size, train.micro_tokens"));
  EXPECT_THAT(error_of({"--trust_remote_code", "true"}), HasSubstr("leave trust_remote_code out"));
  EXPECT_THAT(error_of({"--optim.lrr", "1"}), HasSubstr("did you mean --optim.lr?"));
}

}  // namespace
}  // namespace hone::launcher
