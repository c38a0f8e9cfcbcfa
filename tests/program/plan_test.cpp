// hone plan on the shapes that are committed, against figures reckoned by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/file_system.h"
#include "launcher/options/field.h"
#include "launcher/options/machine_file.h"
#include "launcher/run_plan.h"
#include "tests/base/temporary_folder.h"

namespace hone::launcher {
namespace {

const std::string kRoot = HONE_GOLDEN_DIR "/../..";
constexpr std::int64_t k8b = 8030261248;  // parameters of Llama 3 8B

PlanOptions on(std::int64_t ranks, const std::string& machine = "", double gpu_memory_gib = 0) {
  PlanOptions options;
  options.ranks = ranks;
  options.machine = machine;
  options.gpu_memory_gib = gpu_memory_gib;
  return options;
}

Config config_8b(std::int64_t zero) {
  Config config;
  config.model.path = kRoot + "/configs/models/llama3_8b";
  config.data.max_length = 8192;
  config.train.batch_tokens = 64 * 8192;
  config.train.micro_tokens = 8192;
  config.train.recompute = "block";
  config.dist.zero = zero;
  return config;
}

RunPlan plan_8b(std::int64_t zero, std::int64_t ranks, const std::string& machine = "") {
  Config config = config_8b(zero);
  return plan_run(config,
                  {.ranks = ranks, .machine = machine.empty() ? "" : kRoot + "/configs/machines/" + machine});
}

std::string refusal(Config config, const PlanOptions& options) {
  try {
    plan_run(config, options);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::usage);
    return error.what();
  }
}

void expect_near(std::int64_t value, double expected) {
  EXPECT_NEAR(static_cast<double>(value), expected, 1e-3 * expected);
}

TEST(Plan, CountsTheParametersOfLlamaThree) {
  EXPECT_EQ(plan_8b(0, 8).parameters, k8b);
  Config config = config_8b(0);
  config.model.path = kRoot + "/configs/models/llama3_70b";
  EXPECT_EQ(plan_run(config, on(8)).parameters, 70553706496);
}

TEST(Plan, EachStageSharesOutWhatItSays) {
  const auto n = static_cast<double>(k8b);
  const auto held = [](int stage) { return plan_8b(stage, 64).bytes.held; };
  expect_near(held(0).master, 6 * n), expect_near(held(0).gradients, 4 * n),
      expect_near(held(0).optimizer, 8 * n);
  expect_near(held(1).master, (2 + 4.0 / 64) * n), expect_near(held(1).gradients, (4 + 4.0 / 64) * n);
  expect_near(held(1).optimizer, 8 * n / 64);
  expect_near(held(2).gradients, 4 * n / 64), expect_near(held(2).master, (2 + 4.0 / 64) * n);
  expect_near(held(3).master, 4 * n / 64), expect_near(held(3).optimizer, 8 * n / 64);
  const double embedding = 128256.0 * 4096;
  expect_near(held(2).gathered, 2 * 4 * embedding);        // embedding and head are the largest blocks
  expect_near(held(3).gathered, 2 * (4 + 2) * embedding);  // their gradients and their weights
  EXPECT_EQ(held(0).gathered + held(1).gathered, 0);
}

TEST(Plan, FrozenWeightsAreSharedOutAtStageThreeAlone) {
  const auto frozen = [](std::int64_t zero) {
    Config config = config_8b(zero);
    config.model.quantize = "nf4";
    config.adapter.type = "lora";
    return plan_run(config, on(4)).bytes.held.frozen;
  };
  EXPECT_EQ(frozen(2), frozen(0));
  EXPECT_NEAR(static_cast<double>(frozen(3)), static_cast<double>(frozen(0)) / 4, 200.0);
}

TEST(Plan, AStepIsDealtToRanksAsTheLoaderDeals) {
  const RunPlan eight = plan_8b(1, 8), many = plan_8b(1, 1024);
  EXPECT_EQ(eight.step.micro_batches, 8);
  EXPECT_EQ(eight.step.micro_tokens(), 8192);
  EXPECT_EQ(many.step.micro_batches, 1);
  EXPECT_EQ(total(many.collectives, CollectiveKind::all_reduce).bytes, 36);
}

TEST(Plan, TimesNeedAMachineAndGrowShorterWithMoreRanks) {
  EXPECT_FALSE(plan_8b(1, 8).seconds);
  const RunPlan one = plan_8b(3, 8, "h100_node.cfg"), two = plan_8b(3, 16, "h100_node.cfg");
  EXPECT_EQ(two.nodes, 2);
  EXPECT_NEAR(two.seconds->compute, one.seconds->compute / 2, 1e-9);
  EXPECT_GT(two.seconds->total(), one.seconds->total() / 2);
  // 8 operations a parameter and token with recomputation, but for the embedding; and attention.
  const double tokens = 64 * 8192, attention = 32 * 4096.0 * 8192;
  expect_near(static_cast<std::int64_t>(one.flops / tokens),
              8.0 * (k8b - 128256 * 4096) - 2.0 * 128256 * 4096 + 8 * attention);
  EXPECT_GT(one.checkpoint.seconds, 0);
}

TEST(Plan, MicroTokensAutoFillTheMemoryOfADevice) {
  Config config = config_8b(3);
  config.train.micro_tokens.reset();
  config.train.batch_tokens = 8 * config.train.batch_tokens;
  const RunPlan plan = plan_run(config, on(8, "", 80));
  EXPECT_GT(plan.step.micro_rows, 1);
  EXPECT_TRUE(plan.fits());
  EXPECT_GT(plan.bytes.total(), plan.memory / 2);
  EXPECT_EQ(*config.train.micro_tokens, plan.step.micro_tokens());
  EXPECT_FALSE(plan_8b(0, 8, "h100_node.cfg").fits());
}

TEST(Plan, RefusesWhatNoRunCouldBe) {
  Config small = config_8b(0);
  small.train.micro_tokens = 4096;
  EXPECT_THAT(refusal(small, {}), testing::HasSubstr("error[PL001]"));
  small.train.micro_tokens.reset();
  EXPECT_THAT(refusal(small, {}), testing::HasSubstr("error[PL002]"));
  Config quantised = config_8b(0);
  quantised.model.quantize = "nf4";
  EXPECT_THAT(refusal(quantised, {}), testing::HasSubstr("error[US020]"));
}

TEST(Machines, EachFileUnderConfigsStatesAllThatAPlanNeeds) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot + "/configs/machines")) {
    const MachineOptions machine = read_machine(entry.path().string());
    for (const double value :
         {machine.tflops_bf16, machine.tflops_fp32, machine.memory_gib, machine.reserved_gib,
          machine.memory_gb_s, machine.node_gb_s, machine.disk_gb_s})
      EXPECT_GT(value, 0) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 3);
}

TEST(Machines, AnUnknownKeyIsNamedWithTheNearestOne) {
  const TemporaryFolder folder;
  const std::string path = folder.write("m.cfg", "[machine]\nmemory_gb = 80\n");
  try {
    read_machine(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(),
                testing::HasSubstr(path + ":2: machine.memory_gb; did you mean machine.memory_gib?"));
  }
}

TEST(Machines, EveryKeyIsInTheDocuments) {
  const std::string page = read_text_file(kRoot + "/docs/scaling.md");
  MachineOptions machine;
  std::vector<Field> fields;
  append_fields(machine, fields);
  for (const Field& field : fields) EXPECT_THAT(page, testing::HasSubstr("`" + field.name + "`"));
}

}  // namespace
}  // namespace hone::launcher
