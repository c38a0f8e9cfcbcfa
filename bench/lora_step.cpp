// One LoRA training step of a 135M model (SmolLM2's shape, random weights) on this machine's CPUs:
//   bench_lora_step [threads] [steps] [legs]
// per leg (of bf16,bf16+nf4,fp32,fp32+nf4) one JSON line: tokens/s, the FLOP rate of the step, its share of the fastest
// matrix product probed just before and after (timings on shared machines drift; the ratio does not), and the most
// memory the process had so far (that of the leg where it is the only one).
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "core/base/json.h"
#include "core/base/philox.h"
#include "core/model/compute_type.h"
#include "core/model/registry.h"
#include "core/nn/tensor_pool.h"
#include "core/objective/objective.h"
#include "core/optim/optimizer.h"
#include "core/train/gradients.h"

namespace {

using namespace hone;

constexpr std::int64_t kSequences = 4, kLength = 512;

formats::ModelConfig smollm2_shape() {
  formats::ModelConfig config;
  config.hidden_size = 576;
  config.intermediate_size = 1536;
  config.num_layers = 30;
  config.num_heads = 9;
  config.num_kv_heads = 3;
  config.head_dim = 64;
  config.vocab_size = 49152;
  config.max_positions = 8192;
  config.rope_theta = 100000;
  config.tie_embeddings = true;
  return config;
}

// Uniform noise in place of files.
class NoiseSource final : public formats::TensorSource {
 public:
  explicit NoiseSource(const formats::ModelConfig& c) {
    const std::int64_t h = c.hidden_size, kv = c.num_kv_heads * c.head_dim, f = c.intermediate_size;
    add("model.embed_tokens.weight", {c.vocab_size, h});
    add("model.norm.weight", {h});
    for (std::int64_t i = 0; i < c.num_layers; ++i) {
      const std::string p = "model.layers." + std::to_string(i) + ".";
      add(p + "input_layernorm.weight", {h}), add(p + "post_attention_layernorm.weight", {h});
      add(p + "self_attn.q_proj.weight", {h, h}), add(p + "self_attn.o_proj.weight", {h, h});
      add(p + "self_attn.k_proj.weight", {kv, h}), add(p + "self_attn.v_proj.weight", {kv, h});
      add(p + "mlp.gate_proj.weight", {f, h}), add(p + "mlp.up_proj.weight", {f, h}), add(p + "mlp.down_proj.weight", {h, f});
    }
    std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  }
  const std::vector<formats::TensorInfo>& tensors() const override { return tensors_; }
  void read_rows(const formats::TensorInfo& t, std::int64_t begin, std::int64_t end, float* out) const override {
    const std::int64_t width = c10::multiply_integers(t.shape) / t.shape[0];
    for (std::int64_t i = begin * width; i < end * width; ++i)
      *out++ = t.shape.size() == 1 ? 1.0f
                                   : 0.08f * (unit_float(static_cast<std::uint32_t>(i * 2654435761u)) - 0.5f);
  }
  std::span<const std::byte> raw(const formats::TensorInfo&) const override { return {}; }
  std::optional<formats::Nf4Parts> nf4(const formats::TensorInfo&) const override { return std::nullopt; }
  std::string describe(const formats::TensorInfo& t) const override { return t.name; }

 private:
  void add(const std::string& name, std::vector<std::int64_t> shape) {
    tensors_.push_back({name, formats::DType::f32, std::move(shape)});
  }
  std::vector<formats::TensorInfo> tensors_;
};

TokenBatch noise_batch() {
  TokenBatch batch;
  for (std::int64_t s = 0; s < kSequences; ++s) {
    for (std::int64_t t = 0; t < kLength; ++t) {
      batch.tokens.push_back(static_cast<std::int32_t>((s * 7919 + t * 104729) % 49152));
      batch.positions.push_back(static_cast<std::int32_t>(t));
      batch.supervised.push_back(1);
    }
    batch.cu_seqlens.push_back(static_cast<std::int32_t>(batch.tokens.size()));
    batch.sample.push_back(s), batch.slot.push_back(0), batch.prefix.push_back(-1);
  }
  return batch;
}

// Multiply-adds counted twice: forward and the gradient of the input through frozen weights (2 + 2 per weight),
// LoRA (2 + 4), the head forward and back, causal attention forward and back.
double flops_per_step(const formats::ModelConfig& c, std::int64_t lora) {
  const double tokens = kSequences * kLength;
  const double linears = 106168320.0, head = static_cast<double>(c.vocab_size * c.hidden_size);
  const double attention = c.num_layers * c.num_heads * c.head_dim * 0.5 * kLength * (4 + 10);
  return tokens * (4 * (linears + head) + 6 * static_cast<double>(lora) + attention);
}

std::int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

double peak_gflops() {
  const model::DtypeProbe probe = model::probe_dtypes(2048, 1536, 1536);
  return std::max(probe.fp32_gflops, probe.bf16_gflops);
}

struct Leg {
  const char* name;
  at::ScalarType compute;
  bool nf4;
};

void run(const Leg& leg, int steps) {
  formats::ModelFiles files;
  files.config = smollm2_shape();
  files.tensors = std::make_unique<NoiseSource>(files.config);
  model::BuildSpec spec;
  spec.compute = leg.compute;
  spec.nf4 = leg.nf4;
  spec.trained = model::Trained::adapter;
  spec.lora.targets = {"all-linear"};
  model::Model model = model::build_model(files, spec, false);
  const auto objective = objective::make_objective({});
  const auto optimizer = optim::make_optimizer({}, model.arena().layout());
  train::ArenaGradients gradients(model.arena().layout());
  const TokenBatch batch = noise_batch();
  const double weight = objective->weight(batch);
  const double before = peak_gflops();
  double best = 1e30, total = 0;
  for (int step = 0; step <= steps; ++step) {  // the first one warms up
    const auto begin = std::chrono::steady_clock::now();
    gradients.zero();
    objective->train(model, batch, 1.0 / weight, gradients);
    optimizer->update({0, model.arena().layout().size},
                      {{"master", model.arena().master()}, gradients.flat().data(), step + 1, 1e-4});
    model.arena().publish();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    if (step > 0) best = std::min(best, seconds.count()), total += seconds.count();
  }
  const double peak = std::max(before, peak_gflops());
  const double gflops = flops_per_step(files.config, model.arena().parameter_count()) / best * 1e-9;
  const OrderedJson row{{"bench", "lora_step"},
                        {"variant", leg.name},
                        {"threads", at::get_num_threads()},
                        {"tokens_per_second", kSequences * kLength / best},
                        {"tokens_per_second_mean", kSequences * kLength * steps / total},
                        {"gflops", gflops},
                        {"gemm_peak_gflops", peak},
                        {"share_of_peak", gflops / peak},
                        {"peak_memory_bytes", peak_memory()}};
  std::printf("%s\n", row.dump().c_str());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  nn::install_tensor_pool();
  const c10::InferenceMode inference;
  if (argc > 1) at::set_num_threads(std::atoi(argv[1]));
  const int steps = argc > 2 ? std::atoi(argv[2]) : 3;
  const std::string legs = "," + std::string(argc > 3 ? argv[3] : "bf16,bf16+nf4,fp32,fp32+nf4") + ",";
  for (const Leg& leg : {Leg{"bf16", at::kBFloat16, false}, Leg{"bf16+nf4", at::kBFloat16, true},
                         Leg{"fp32", at::kFloat, false}, Leg{"fp32+nf4", at::kFloat, true}})
    if (legs.find("," + std::string(leg.name) + ",") != std::string::npos) run(leg, steps);
  return 0;
}
