// Seeded random damage to config files and command lines: see tests/base/mutation.h.
#include "tests/base/mutation.h"

#include "launcher/options/command_line.h"
#include "launcher/options/command_options.h"
#include "launcher/options/config.h"
#include "tests/base/memory_file.h"

namespace hone::launcher {
namespace {

Command command_under_test() {
  return {.name = "generate", .line = "", .arguments = "[DIR]", .options = ExtraOptions::of<GenerateOptions>};
}

TEST(Mutations, ConfigFile) {
  const std::string good = print_config(Config{});
  MemoryFile memory;
  mutation::run(
      ".cfg",
      [&](std::uint32_t round) {
        memory.set(mutation::damaged(good, round));
        parse_command_line(command_under_test(), std::vector<std::string>{"--config", memory.path()});
      },
      Exit::usage);
}

TEST(Mutations, CommandLine) {
  const std::vector<std::string> good{
      "--optim.lr", "2e-4", "--train.steps=40", "--adapter.targets", "q_proj,v_proj",
      "--chat",     "true", "--data.packing",   "--train.seed",      "7",
      "runs/first"};
  mutation::run(
      "command line",
      [&](std::uint32_t round) {
        mutation::Dice dice(round);
        std::vector<std::string> words = good;
        std::string& word = words[dice.below(words.size())];
        word = mutation::damaged(word, round);
        parse_command_line(command_under_test(), words);
      },
      Exit::usage);
}

}  // namespace
}  // namespace hone::launcher
