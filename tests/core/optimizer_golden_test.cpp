// Every optimizer against the peer it follows: torch, transformers, bitsandbytes, PEFT
// (tests/golden/core/make_optim_goldens.py).
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/optim/blockwise.h"
#include "core/optim/schedule.h"
#include "tests/core/optimizer_support.h"

namespace hone::test {
namespace {

constexpr double kRates[] = {1e-2, 2e-2, 0.0, 5e-3, 1e-2, 3e-3};

struct Trained {
  ArenaLayout layout;
  optim::OptimizerPtr optimizer;
  std::vector<float> weights;

  // Six steps at rate(step), counted from 0.
  Trained(const OptimOptions& options, ArenaLayout arena, const std::function<double(std::int64_t)>& rate)
      : layout(std::move(arena)),
        optimizer(optim::make_optimizer(options, layout)),
        weights(start_weights(layout)) {
    for (std::int64_t step = 0; step < 6; ++step) {
      const std::vector<float> gradient = step_gradient(layout, step);
      optimizer->update(step_over(weights, gradient.data(), step + 1, rate(step)));
    }
  }
  at::Tensor parameter(std::size_t p) const { return parameter_values(weights, layout.parameters[p]); }
  // Values [begin, end) of a state tensor.
  at::Tensor state(const std::string& name, std::int64_t begin, std::int64_t end) const {
    for (const StateTensor& tensor : optimizer->state()) {
      if (tensor.name != name) continue;
      if (tensor.type == StateType::u8)
        return at::from_blob(static_cast<std::uint8_t*>(tensor.data) + begin, {end - begin}, at::kByte)
            .clone();
      return at::from_blob(tensor.floats().data() + begin, {end - begin}, at::kFloat).clone();
    }
    throw std::runtime_error("no state " + name);
  }
};

double golden_rate(std::int64_t step) { return kRates[step]; }

void expect_close(const at::Tensor& ours, const at::Tensor& peer, double tolerance, const std::string& what) {
  EXPECT_LT(relative_error(ours.flatten(), peer.flatten()), tolerance) << what;
}

const Golden& golden() {
  static const Golden values("optimizers.safetensors");
  return values;
}

const Shapes kShapes = {{12, 20}, {33}, {5, 3}};

void expect_parameters(const Trained& run, const std::string& name, double tolerance = 1e-6) {
  for (std::size_t p = 0; p < run.layout.parameters.size(); ++p)
    expect_close(run.parameter(p), golden()[name + "." + std::to_string(p)], tolerance, name);
}

}  // namespace

TEST(Sgd, EqualsTorchWithAndWithoutMomentum) {
  expect_parameters({{.name = "sgd", .weight_decay = 0.1}, layout_of_shapes(kShapes), golden_rate}, "sgd");
  const Trained momentum({.name = "sgd", .weight_decay = 0.1, .momentum = 0.9}, layout_of_shapes(kShapes),
                         golden_rate);
  expect_parameters(momentum, "sgd_momentum");
  for (std::size_t p = 0; p < kShapes.size(); ++p) {
    const Range range = momentum.layout.parameters[p].range;
    expect_close(momentum.state("momentum_buffer", range.begin, range.end),
                 golden()["sgd_momentum." + std::to_string(p) + ".momentum_buffer"], 1e-6, "momentum_buffer");
  }
  expect_parameters(
      {{.name = "sgd", .momentum = 0.9, .nesterov = true}, layout_of_shapes(kShapes), golden_rate},
      "sgd_nesterov");
}

TEST(Sgd, WithoutMomentumKeepsNoStateAndRefusesNesterov) {
  const ArenaLayout layout = layout_of_shapes(kShapes);
  EXPECT_TRUE(optim::make_optimizer({.name = "sgd"}, layout)->state().empty());
  EXPECT_THROW(optim::make_optimizer({.name = "sgd", .nesterov = true}, layout), Error);
}

TEST(Lion, EqualsBitsandbytes) {
  const Trained run({.name = "lion", .weight_decay = 0.1}, layout_of_shapes(kShapes), golden_rate);
  expect_parameters(run, "lion");
  for (std::size_t p = 0; p < kShapes.size(); ++p) {
    const Range range = run.layout.parameters[p].range;
    expect_close(run.state("exp_avg", range.begin, range.end),
                 golden()["lion." + std::to_string(p) + ".state1"], 1e-6, "exp_avg");
  }
}

TEST(Adafactor, EqualsTransformersAsTheTrainerConfiguresIt) {
  const Trained run({.name = "adafactor", .weight_decay = 0.1}, layout_of_shapes(kShapes), golden_rate);
  expect_parameters(run, "adafactor");
  expect_close(run.state("exp_avg_sq_row", 0, 12), golden()["adafactor.0.exp_avg_sq_row"], 1e-6, "rows of 0");
  expect_close(run.state("exp_avg_sq_row", 12, 17), golden()["adafactor.2.exp_avg_sq_row"], 1e-6,
               "rows of 2");
  expect_close(run.state("exp_avg_sq_col", 0, 20), golden()["adafactor.0.exp_avg_sq_col"], 1e-6,
               "columns of 0");
  expect_close(run.state("exp_avg_sq_col", 20, 23), golden()["adafactor.2.exp_avg_sq_col"], 1e-6,
               "columns of 2");
  expect_close(run.state("exp_avg_sq", 0, 33), golden()["adafactor.1.exp_avg_sq"], 1e-6, "vector");
}

TEST(Adafactor, EqualsTransformersWithScaledParametersAndRelativeSteps) {
  const OptimOptions scaled{
      .name = "adafactor", .clip_threshold = 0.5, .decay_rate = -0.5, .scale_parameter = true};
  expect_parameters({scaled, layout_of_shapes(kShapes), golden_rate}, "adafactor_scaled");
  for (const auto& [name, options] :
       {std::pair<std::string, OptimOptions>{
            "adafactor_relative", {.name = "adafactor", .scale_parameter = true, .relative_step = true}},
        {"adafactor_warmup", {.name = "adafactor", .relative_step = true, .warmup_init = true}}}) {
    const double peak = optim::effective_lr(options, true);
    const optim::Schedule schedule = optim::make_schedule({}, options, 6);
    expect_parameters(
        {options, layout_of_shapes(kShapes), [&](std::int64_t t) { return peak * schedule(t); }}, name);
  }
}

TEST(DynamicMap, IsBitsandbytesToTheLastBit) {
  for (const auto& [name, map] :
       {std::pair("signed", &signed_dynamic_map()), std::pair("unsigned", &unsigned_dynamic_map())}) {
    const at::Tensor peer = golden()[std::string("map.") + name];
    for (std::size_t c = 0; c < 256; ++c) EXPECT_EQ((*map)[c], peer[c].item<float>()) << name << " " << c;
  }
}

TEST(DynamicMap, QuantisesToBitsandbytesCodes) {
  for (const bool is_signed : {true, false}) {
    const DynamicMap& map = is_signed ? signed_dynamic_map() : unsigned_dynamic_map();
    const std::string name = is_signed ? "quantized.signed" : "quantized.unsigned";
    const at::Tensor codes = golden()[name], absmax = golden()[name + ".absmax"];
    for (std::int64_t block = 0; block < 4; ++block) {
      const std::int64_t begin = block * 256, count = std::min<std::int64_t>(256, 1000 - begin);
      float x[256];
      std::uint8_t ours[256];
      for (std::int64_t i = 0; i < count; ++i) {
        const float value =
            block == 2 ? 0.0f : formula_value(static_cast<std::uint32_t>(begin + i), 99, 3.0f);
        x[i] = is_signed ? value : std::fabs(value);
      }
      EXPECT_EQ(optim::quantize_block(map, x, ours, count), absmax[block].item<float>());
      if (block == 2) continue;  // of zeros: any code stands for them
      for (std::int64_t i = 0; i < count; ++i)
        EXPECT_EQ(ours[i], codes[begin + i].item<std::uint8_t>()) << name << " " << begin + i << " " << x[i];
    }
  }
}

TEST(AdamW8bit, EqualsBitsandbytes) {
  const Trained run({.name = "adamw_8bit", .weight_decay = 0.1}, layout_of_shapes({{70, 64}, {33}}),
                    golden_rate);
  expect_parameters(run, "adamw_8bit", 2e-6);
  for (const char* name : {"state1", "state2"}) {
    const at::Tensor peer = golden()[std::string("adamw_8bit.0.") + name].flatten();
    EXPECT_TRUE(at::equal(run.state(name, 0, 4480), peer)) << name;
  }
  for (const char* name : {"absmax1", "absmax2"})
    expect_close(run.state(name, 0, 18), golden()[std::string("adamw_8bit.0.") + name], 1e-6, name);
  expect_close(run.state("exp_avg", 0, 33), golden()["adamw_8bit.1.state1"], 1e-6, "small");
  expect_close(run.state("exp_avg_sq", 0, 33), golden()["adamw_8bit.1.state2"], 1e-6, "small");
}

TEST(LoraPlus, MovesEveryGroupAsPeftDoes) {
  ArenaLayoutBuilder builder;
  builder.begin_block("layers.0");
  builder.add("up.lora_A.weight", {2, 6}, true);
  builder.add("up.lora_B.weight", {9, 2}, true);
  builder.add("norm.weight", {9}, false);
  const OptimOptions options{.weight_decay = 0.1, .loraplus_lr_ratio = 16};
  expect_parameters({options, builder.finish(), [](std::int64_t) { return 1e-2; }}, "loraplus");
}

}  // namespace hone::test
