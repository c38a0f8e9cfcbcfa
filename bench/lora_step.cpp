// One LoRA training step (rank 16, all linears) of a model with random weights:
//   bench_lora_step [--device cpu|cuda] [--shape 135m|1b|8b] [--legs bf16,bf16+nf4,fp32,fp32+nf4] [--sequences N]
//                   [--length N] [--steps N] [--threads N] [--strands true|false] [--graph true|false] [--paced true]
//                   [--probe true|false]
// One JSON line a leg: tokens/s, the FLOP rate of the step, its share of the fastest matrix product probed just before
// and after (timings on shared machines drift; the ratio does not), and the peak of memory. --paced: a step begins when
// a line of standard input says so, and is followed by a line with its seconds, so that two programs can take turns.
// --probe true only looks for the device.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>

#include "bench/noise_model.h"
#include "bench/program.h"
#include "core/base/json.h"
#include "core/device/device.h"
#include "core/device/load_cuda.h"
#include "core/model/compute_type.h"
#include "core/model/registry.h"
#include "core/objective/objective.h"
#include "core/optim/optimizer_on.h"
#include "core/train/gradients.h"
#include "core/train/graphed_objective.h"

namespace {

using namespace hone;
using bench::seconds_since;

struct Settings {
  std::string device = "cpu", shape = "135m", legs = "bf16,bf16+nf4,fp32,fp32+nf4";
  std::int64_t sequences = 4, length = 512;
  int steps = 3, threads = 0;
  bool strands = true, graph = true, paced = false, probe = false;
};

Settings parse(int argc, char** argv) {
  Settings s;
  bench::read_flags(argc, argv,
                    {{"--device", [&](auto& v) { s.device = v; }},
                     {"--shape", [&](auto& v) { s.shape = v; }},
                     {"--legs", [&](auto& v) { s.legs = v; }},
                     {"--sequences", [&](auto& v) { s.sequences = std::stoll(v); }},
                     {"--length", [&](auto& v) { s.length = std::stoll(v); }},
                     {"--steps", [&](auto& v) { s.steps = std::stoi(v); }},
                     {"--threads", [&](auto& v) { s.threads = std::stoi(v); }},
                     {"--strands", [&](auto& v) { s.strands = v == "true"; }},
                     {"--paced", [&](auto& v) { s.paced = v == "true"; }},
                     {"--graph", [&](auto& v) { s.graph = v == "true"; }},
                     {"--probe", [&](auto& v) { s.probe = v == "true"; }}});
  return s;
}

// Model FLOPs: 4 per frozen weight and token (forward, and back to its input), 6 per LoRA weight, and causal attention,
// 2 forward and 4 back per layer, feature and pair; every token meets the head.
double flops_per_step(const formats::ModelConfig& c, std::int64_t lora, const Settings& s) {
  const auto tokens = static_cast<double>(s.sequences * s.length);
  const auto weights = static_cast<double>(bench::block_linear_parameters(c) + c.vocab_size * c.hidden_size);
  const auto attention = 6.0 * static_cast<double>(c.num_layers * c.num_heads * c.head_dim * s.length);
  return tokens * (4 * weights + 6 * static_cast<double>(lora) + attention);
}

double peak_gflops(at::Device device) {
  if (device.is_cpu()) {
    const model::DtypeProbe probe = model::probe_dtypes(2048, 1536, 1536);
    return std::max(probe.fp32_gflops, probe.bf16_gflops);
  }
  constexpr std::int64_t kSize = 8192;
  constexpr int kRepeats = 10;
  const at::Tensor a = at::randn({kSize, kSize}, at::TensorOptions().dtype(at::kBFloat16).device(device));
  at::mm(a, a);
  device::synchronize(device);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kRepeats; ++i) at::mm(a, a);
  device::synchronize(device);
  return 2e-9 * kSize * kSize * kSize * kRepeats / seconds_since(begin);
}

std::int64_t peak_memory(at::Device device) {
  if (!device.is_cpu()) return device::memory_use(device).peak;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

void wait_for_turn() {
  std::string line;
  std::getline(std::cin, line);
}

void say_seconds(double seconds) {
  std::printf("%s\n", OrderedJson{{"step_seconds", seconds}}.dump().c_str());
  std::fflush(stdout);
}

void run(const std::string& leg, const Settings& settings, at::Device device) {
  const formats::ModelFiles files = bench::noise_model(settings.shape);
  model::BuildSpec spec;
  spec.compute = model::compute_type(leg.substr(0, 4));
  spec.device = device;
  spec.nf4 = leg.ends_with("+nf4");
  spec.strands = settings.strands;
  spec.trained = model::Trained::adapter;
  spec.lora.targets = {"all-linear"};
  const double before = peak_gflops(device);
  if (!device.is_cpu()) device::reset_peak_memory(device);
  model::Model model = model::build_model(files, spec, false);
  const bool graph = settings.graph && device.is_cuda();
  const auto plain = [] { return objective::make_objective({}); };
  const objective::ObjectivePtr objective = graph ? train::make_graphed(plain()) : plain();
  const auto optimizer = optim::make_optimizer_on(device, {}, model.arena().layout(), model.arena().owned());
  train::ArenaGradients gradients(model.arena().layout(), device);
  const TokenBatch batch = bench::noise_batch(settings.sequences, settings.length, files.config.vocab_size);
  const double weight = objective->weight(batch);
  const int warmup = device.is_cpu() ? 1 : 3;  // on CUDA: run, record, replay
  std::vector<double> seconds;
  double loss = 0;
  for (int step = 0; step < warmup + settings.steps; ++step) {
    if (settings.paced) wait_for_turn();
    const auto begin = std::chrono::steady_clock::now();
    gradients.begin_step();
    loss = objective->train(model, batch, 1.0 / weight, gradients) / weight;
    const optim::Piece all{
        {0, model.arena().layout().size}, model.arena().owned_weights(0), gradients.flat().data()};
    optimizer->update({.pieces = {all}, .type = StateType::f32, .step = step + 1, .lr = 1e-4});
    model.arena().publish();
    device::synchronize(device);
    const double taken = seconds_since(begin);
    if (settings.paced) say_seconds(taken);
    if (step >= warmup) seconds.push_back(taken);
  }
  std::sort(seconds.begin(), seconds.end());
  const double peak = std::max(before, peak_gflops(device)), best = seconds.front();
  const auto tokens = static_cast<double>(settings.sequences * settings.length);
  const double gflops = flops_per_step(files.config, model.arena().parameter_count(), settings) / best * 1e-9;
  const OrderedJson row{{"bench", "lora_step"},
                        {"device", settings.device},
                        {"shape", settings.shape},
                        {"variant", leg},
                        {"sequences", settings.sequences},
                        {"length", settings.length},
                        {"graph", graph},
                        {"threads", at::get_num_threads()},
                        {"tokens_per_second", tokens / best},
                        {"tokens_per_second_median", tokens / seconds[seconds.size() / 2]},
                        {"gflops", gflops},
                        {"gemm_peak_gflops", peak},
                        {"share_of_peak", gflops / peak},
                        {"peak_memory_bytes", peak_memory(device)},
                        {"loss", loss}};
  std::printf("%s\n", row.dump().c_str());
  std::fflush(stdout);
}

void run_all(const Settings& settings) {
  if (settings.threads > 0) at::set_num_threads(settings.threads);
  if (settings.device == "cuda") device::load_cuda();
  if (settings.probe) return;
  const at::Device device = device::device_of(settings.device);
  for (std::size_t begin = 0; begin < settings.legs.size();) {
    const std::size_t end = std::min(settings.legs.find(',', begin), settings.legs.size());
    run(settings.legs.substr(begin, end - begin), settings, device);
    begin = end + 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_program([&] { run_all(parse(argc, argv)); });
}
