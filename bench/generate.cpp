// Greedy generation:
//   bench_generate --model PATH | --shape 135m|1b|8b [--device cpu|cuda] [--legs fp32,bf16,nf4] [--new_tokens 64]
//                  [--threads N]
// per leg and for 1 and 8 prompts at once one JSON line: new tokens/s of the best of three runs, and the share of the
// speed at which the device reads memory (one thread a core) that the weights read for them amount to. A shape's weights
// are noise. Legs: fp32, bf16, bf16+nf4, and nf4, which computes in fp32 on CPUs, in bf16 on a GPU.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <chrono>
#include <cstdio>

#include "bench/noise_model.h"
#include "bench/program.h"
#include "core/base/json.h"
#include "core/device/device.h"
#include "core/device/load_cuda.h"
#include "core/generate/generator.h"
#include "core/model/registry.h"

namespace {

using namespace hone;
using bench::seconds_since;

constexpr std::int64_t kPromptTokens = 32;

struct Settings {
  std::string model, shape, device = "cpu", legs = "fp32,bf16,nf4";
  std::int64_t new_tokens = 64;
  int threads = 0;
};

Settings parse(int argc, char** argv) {
  Settings s;
  bench::read_flags(argc, argv,
                    {{"--model", [&](auto& v) { s.model = v; }},
                     {"--shape", [&](auto& v) { s.shape = v; }},
                     {"--device", [&](auto& v) { s.device = v; }},
                     {"--legs", [&](auto& v) { s.legs = v; }},
                     {"--new_tokens", [&](auto& v) { s.new_tokens = std::stoll(v); }},
                     {"--threads", [&](auto& v) { s.threads = std::stoi(v); }}});
  return s;
}

// Bytes a second that a sum over more than any cache holds reads.
double read_bandwidth(at::Device device) {
  const std::int64_t elements = std::int64_t{device.is_cpu() ? 64 : 1024} << 20;
  const at::Tensor data = at::ones({elements}, at::TensorOptions().dtype(at::kFloat).device(device));
  double best = 0;
  for (int repeat = 0; repeat < 4; ++repeat) {
    device::synchronize(device);
    const auto begin = std::chrono::steady_clock::now();
    data.sum();
    device::synchronize(device);
    best = std::max(best, static_cast<double>(data.nbytes()) / seconds_since(begin));
  }
  return best;
}

std::vector<generate::Prompt> prompts(std::int64_t count, std::int64_t vocab) {
  std::vector<generate::Prompt> all(count);
  for (std::int64_t p = 0; p < count; ++p) {
    all[p].index = static_cast<std::uint64_t>(p);
    for (std::int64_t t = 0; t < kPromptTokens; ++t)
      all[p].ids.push_back(static_cast<std::int32_t>((p * 7919 + t * 104729 + 17) % vocab));
  }
  return all;
}

void run(const std::string& leg, const Settings& settings, at::Device device, double bandwidth) {
  const formats::ModelFiles files =
      settings.model.empty() ? bench::noise_model(settings.shape) : formats::open_model(settings.model);
  model::BuildSpec spec;
  spec.device = device;
  spec.nf4 = leg.ends_with("nf4");
  spec.compute = leg.starts_with("bf16") || (spec.nf4 && device.is_cuda()) ? at::kBFloat16 : at::kFloat;
  const model::Model model = model::build_model(files, spec, false);
  for (const std::int64_t batch : {1, 8}) {
    generate::GenerateSettings asked;
    asked.max_new_tokens = settings.new_tokens;  // no end ids: every answer has this many
    const std::vector<generate::Prompt> all = prompts(batch, files.config.vocab_size);
    double best = 1e30;
    for (int repeat = 0; repeat < 3; ++repeat) {
      const auto begin = std::chrono::steady_clock::now();
      generate::generate(model, all, asked);
      best = std::min(best, seconds_since(begin));
    }
    const double steps_per_second = static_cast<double>(settings.new_tokens) / best;
    const OrderedJson row{{"bench", "generate"},
                          {"who", "hone"},
                          {"device", settings.device},
                          {"shape", settings.shape},
                          {"leg", leg},
                          {"batch", batch},
                          {"threads", at::get_num_threads()},
                          {"tokens_per_second", static_cast<double>(batch) * steps_per_second},
                          {"share_of_read_bandwidth",
                           static_cast<double>(model.frozen_bytes()) * steps_per_second / bandwidth}};
    std::printf("%s\n", row.dump().c_str());
    std::fflush(stdout);
  }
}

void run_all(const Settings& settings) {
  if (settings.threads > 0) at::set_num_threads(settings.threads);
  if (settings.device == "cuda") device::load_cuda();
  const at::Device device = device::device_of(settings.device);
  const double bandwidth = read_bandwidth(device);
  for (const std::string leg : {"fp32", "bf16", "nf4", "bf16+nf4"})
    if (("," + settings.legs + ",").find("," + leg + ",") != std::string::npos)
      run(leg, settings, device, bandwidth);
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_program([&] { run_all(parse(argc, argv)); });
}
