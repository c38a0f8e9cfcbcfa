// The estimate of a micro-batch's memory against what the allocator is asked for.
#include "core/model/activations.h"

#include <ATen/Parallel.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gtest/gtest.h>

#include <mutex>

#include "core/formats/random_model.h"
#include "core/model/strands.h"
#include "tests/base/temporary_folder.h"
#include "tests/core/fakes.h"

namespace hone::test {
namespace {

// Bytes held at once by tensors that this thread made, and those that work for it.
class PeakMeter final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t bytes, std::size_t, std::size_t, c10::Device) override {
    const std::lock_guard lock(mutex_);
    held_ += bytes;
    peak_ = std::max(peak_, held_);
  }
  void reportOutOfMemory(std::int64_t, std::size_t, std::size_t, c10::Device) override {}
  bool memoryProfilingEnabled() const override { return true; }
  std::int64_t peak() const { return peak_; }

 private:
  std::mutex mutex_;
  std::int64_t held_ = 0, peak_ = 0;
};

// `sequences` of `length` tokens, every one or the last alone supervised.
TokenBatch long_batch(std::int64_t sequences, std::int64_t length, bool all) {
  TokenBatch batch;
  for (std::int64_t s = 0; s < sequences; ++s) {
    for (std::int64_t t = 0; t < length; ++t) {
      batch.tokens.push_back(static_cast<std::int32_t>((s + 7 * t) % 90));
      batch.positions.push_back(static_cast<std::int32_t>(t));
      batch.supervised.push_back(all || t + 1 == length);
    }
    batch.cu_seqlens.push_back(static_cast<std::int32_t>(batch.tokens.size()));
    batch.sample.push_back(s);
    batch.slot.push_back(0);
    batch.prefix.push_back(-1);
  }
  return batch;
}

// A Llama of a middling size with random weights.
formats::ModelFiles middling_model(bool tied, std::int64_t vocab) {
  const TemporaryFolder folder;
  const Json config{{"architectures", {"LlamaForCausalLM"}},
                    {"model_type", "llama"},
                    {"hidden_size", 128},
                    {"intermediate_size", 352},
                    {"num_hidden_layers", 3},
                    {"num_attention_heads", 4},
                    {"num_key_value_heads", 2},
                    {"vocab_size", vocab},
                    {"max_position_embeddings", 1024},
                    {"hidden_act", "silu"},
                    {"rms_norm_eps", 1e-5},
                    {"rope_theta", 10000.0},
                    {"tie_word_embeddings", tied}};
  folder.write("config.json", config.dump());
  return formats::random_model(folder.path(), 1);
}

struct Case {
  const char* name;
  model::BuildSpec spec;
  bool recompute = false, tied = false, all = true;
  std::int64_t vocab = 1024;
};

model::BuildSpec with_nf4(model::BuildSpec spec) {
  spec.nf4 = true;
  return spec;
}

double measured(const formats::ModelFiles& files, const Case& one, const TokenBatch& batch) {
  model::Model model = model::build_model(files, one.spec, one.recompute);
  train::ArenaGradients gradients(model.arena().layout());
  const auto meter = std::make_shared<PeakMeter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
  objective::make_objective({})->train(model, batch, 1.0, gradients);
  return static_cast<double>(meter->peak());
}

constexpr std::int64_t kLength = 64;

std::vector<Case> cases() {
  const model::BuildSpec lora = lora_spec(), full = full_spec();
  const auto bf16 = [](const model::BuildSpec& spec) { return with_compute(spec, at::kBFloat16); };
  return {Case{"full", full},
          Case{"full, tied", full, false, true},
          Case{"full, recomputed", full, true},
          Case{"full, bf16", bf16(full)},
          Case{"full, bf16, recomputed", bf16(full), true},
          Case{"full, many tokens to choose from", full, false, false, true, 8192},
          Case{"full, bf16, many", bf16(full), false, false, true, 8192},
          Case{"LoRA", lora},
          Case{"LoRA, few supervised", lora, false, false, false},
          Case{"LoRA, dropout", lora_spec(0.1)},
          Case{"LoRA, dropout, bf16", bf16(lora_spec(0.1))},
          Case{"LoRA of q and v", lora_spec(0, {"q_proj", "v_proj"})},
          Case{"LoRA, bf16", bf16(lora)},
          Case{"LoRA, recomputed", lora, true},
          Case{"QLoRA", with_nf4(lora)},
          Case{"QLoRA, recomputed", with_nf4(lora), true},
          Case{"QLoRA, bf16", with_nf4(bf16(lora))}};
}

double estimated(const formats::ModelFiles& files, const Case& one, std::int64_t sequences,
                 std::int64_t strands) {
  const model::MicroBatchSize size{sequences * kLength, sequences * (one.all ? kLength - 1 : 1), kLength,
                                   strands};
  return model::activation_bytes(files.config, one.spec, one.recompute, size);
}

}  // namespace

TEST(Activations, AreWithinFivePercentOfWhatAMicroBatchTakes) {
  for (Case one : cases()) {
    one.spec.strands = false;
    const formats::ModelFiles files = middling_model(one.tied, one.vocab);
    for (const std::int64_t sequences : {2, 8}) {
      const double taken = measured(files, one, long_batch(sequences, kLength, one.all));
      EXPECT_NEAR(estimated(files, one, sequences, 1) / taken, 1.0, 0.05)
          << one.name << ", " << sequences << " sequences: " << taken;
    }
  }
}

TEST(Activations, OfStrandsAreNotBelowWhatAMicroBatchTakes) {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  for (const Case& one : cases()) {
    const formats::ModelFiles files = middling_model(one.tied, one.vocab);
    const double taken = measured(files, one, long_batch(8, kLength, one.all));
    EXPECT_GE(1.05 * estimated(files, one, 8, model::most_strands(8 * kLength, 2)), taken) << one.name;
  }
  at::set_num_threads(before);
}

TEST(Activations, InFp16OnACpuAreNotBelowWhatAMicroBatchTakes) {
  const formats::ModelFiles files = middling_model(/*tied=*/false, 1024);
  const Case one{"LoRA, fp16", with_compute(lora_spec(), at::kHalf)};
  const model::MicroBatchSize size{128, 126, 64};
  EXPECT_GE(model::activation_bytes(files.config, one.spec, one.recompute, size),
            measured(files, one, long_batch(2, 64, /*all=*/true)));
}

TEST(Activations, OfAPassThatTrainsNothingAreNotBelowWhatItTakes) {
  const formats::ModelFiles files = middling_model(/*tied=*/false, 1024);
  const model::BuildSpec spec;
  const model::MicroBatchSize size{512, 504, 64, model::most_strands(512, at::get_num_threads())};
  const model::Model model = model::build_model(files, spec, false);
  const auto meter = std::make_shared<PeakMeter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
  objective::make_objective({})->score(model, long_batch(8, 64, /*all=*/true));
  EXPECT_GE(model::activation_bytes(files.config, spec, false, size), static_cast<double>(meter->peak()));
}

}  // namespace hone::test
