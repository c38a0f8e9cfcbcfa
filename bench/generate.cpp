// Greedy generation on this machine's CPUs:
//   bench_generate MODEL [threads] [new_tokens] [legs]
// per leg (of fp32,bf16,nf4) and for 1 and 8 prompts at once one JSON line: new tokens/s of the best of three runs, and
// the share of the speed at which one thread a core reads memory that the weights read for them amount to.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "core/base/json.h"
#include "core/generate/generator.h"
#include "core/model/registry.h"
#include "core/nn/tensor_pool.h"

namespace {

using namespace hone;

constexpr std::int64_t kPromptTokens = 32;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Bytes a second that a sum over more than any cache holds reads.
double read_bandwidth() {
  const at::Tensor data = at::ones({64 << 20}, at::kFloat);
  double best = 0;
  for (int repeat = 0; repeat < 4; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    data.sum();
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

struct Leg {
  const char* name;
  at::ScalarType compute;
  bool nf4;
};

void run(const Leg& leg, const std::string& path, std::int64_t new_tokens, double bandwidth) {
  const formats::ModelFiles files = formats::open_model(path);
  model::BuildSpec spec;
  spec.compute = leg.compute;
  spec.nf4 = leg.nf4;
  const model::Model model = model::build_model(files, spec, false);
  for (const std::int64_t batch : {1, 8}) {
    generate::GenerateSettings settings;
    settings.max_new_tokens = new_tokens;  // no end ids: every answer has this many
    const std::vector<generate::Prompt> all = prompts(batch, files.config.vocab_size);
    double best = 1e30;
    for (int repeat = 0; repeat < 3; ++repeat) {
      const auto begin = std::chrono::steady_clock::now();
      generate::generate(model, all, settings);
      best = std::min(best, seconds_since(begin));
    }
    const double steps_per_second = static_cast<double>(new_tokens) / best;
    const OrderedJson row{{"bench", "generate"},
                          {"who", "hone"},
                          {"leg", leg.name},
                          {"batch", batch},
                          {"threads", at::get_num_threads()},
                          {"tokens_per_second", static_cast<double>(batch) * steps_per_second},
                          {"share_of_read_bandwidth",
                           static_cast<double>(model.frozen_bytes()) * steps_per_second / bandwidth}};
    std::printf("%s\n", row.dump().c_str());
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: bench_generate MODEL [threads] [new_tokens] [legs]\n"), 2;
  nn::install_tensor_pool();
  const c10::InferenceMode inference;
  if (argc > 2) at::set_num_threads(std::atoi(argv[2]));
  const std::int64_t new_tokens = argc > 3 ? std::atoi(argv[3]) : 64;
  const std::string legs = "," + std::string(argc > 4 ? argv[4] : "fp32,bf16,nf4") + ",";
  const double bandwidth = read_bandwidth();
  for (const Leg& leg :
       {Leg{"fp32", at::kFloat, false}, Leg{"bf16", at::kBFloat16, false}, Leg{"nf4", at::kFloat, true}})
    if (legs.find("," + std::string(leg.name) + ",") != std::string::npos)
      run(leg, argv[1], new_tokens, bandwidth);
  return 0;
}
