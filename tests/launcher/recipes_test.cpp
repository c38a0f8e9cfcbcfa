// Every configuration of a run under configs/: it parses, holds only keys that exist and values that they allow.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "launcher/options/command_line.h"
#include "launcher/options/config_file.h"

namespace hone::launcher {
namespace {

std::vector<std::string> recipes() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(HONE_GOLDEN_DIR "/../../configs/sft"))
    if (entry.path().extension() == ".cfg") paths.push_back(entry.path().string());
  return paths;
}

Config read(const std::string& path) {
  return parse_command_line({.name = "train", .line = ""}, std::vector<std::string>{"--config", path}).config;
}

TEST(Recipes, EachParsesAndGivesEveryKeyOnce) {
  EXPECT_GE(recipes().size(), 5u);
  for (const std::string& path : recipes()) {
    EXPECT_NO_THROW(read(path)) << path;
    std::set<std::string> keys;
    for (const ConfigLine& line : read_config_file(path))
      EXPECT_TRUE(keys.insert(line.key).second) << line.where;
    for (const char* key : {"model.path", "data.template", "optim.lr", "run.dir"})
      EXPECT_TRUE(keys.contains(key)) << path << " leaves " << key << " open";
  }
}

TEST(Recipes, TinyLlamaStatesTheClassicRun) {
  const FlatConfig config = flatten(read(HONE_GOLDEN_DIR "/../../configs/sft/tinyllama_qlora.cfg"));
  const FlatConfig classic = {{"model.quantize", "nf4"},
                              {"model.double_quant", "true"},
                              {"model.dtype", "fp16"},
                              {"adapter.type", "lora"},
                              {"adapter.rank", "64"},
                              {"adapter.alpha", "32"},
                              {"adapter.dropout", "0.1"},
                              {"adapter.targets", "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj"},
                              {"data.template", "zephyr"},
                              {"data.max_length", "512"},
                              {"data.train_on", "all"},
                              {"train.epochs", "1"},
                              {"train.batch_size", "8"},
                              {"train.recompute", "block"},
                              {"optim.name", "adamw"},
                              {"optim.paged", "true"},
                              {"optim.lr", "0.0002"},
                              {"schedule.name", "cosine"}};
  for (const auto& [key, value] : classic) EXPECT_EQ(config.at(key), value) << key;
}

}  // namespace
}  // namespace hone::launcher
