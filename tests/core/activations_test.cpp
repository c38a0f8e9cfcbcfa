// The estimate of a micro-batch's memory against what the allocator is asked for.
#include "core/model/activations.h"

#include <c10/core/CPUAllocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gtest/gtest.h>

#include "tests/core/fakes.h"

namespace hone::test {
namespace {

// Bytes held at once by tensors that this thread made.
class PeakMeter final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t bytes, std::size_t, std::size_t, c10::Device) override {
    held_ += bytes;
    peak_ = std::max(peak_, held_);
  }
  void reportOutOfMemory(std::int64_t, std::size_t, std::size_t, c10::Device) override {}
  bool memoryProfilingEnabled() const override { return true; }
  std::int64_t peak() const { return peak_; }

 private:
  std::int64_t held_ = 0, peak_ = 0;
};

// `sequences` of `length` tokens, the last of each supervised: the head's chunk of logits stays the same.
TokenBatch long_batch(std::int64_t sequences, std::int64_t length) {
  TokenBatch batch;
  for (std::int64_t s = 0; s < sequences; ++s) {
    for (std::int64_t t = 0; t < length; ++t) {
      batch.tokens.push_back(static_cast<std::int32_t>((s + 7 * t) % 90));
      batch.positions.push_back(static_cast<std::int32_t>(t));
      batch.supervised.push_back(t + 1 == length);
    }
    batch.cu_seqlens.push_back(static_cast<std::int32_t>(batch.tokens.size()));
    batch.sample.push_back(s);
    batch.slot.push_back(0);
    batch.prefix.push_back(-1);
  }
  return batch;
}

double peak_of(TinyRun& run, std::int64_t sequences, std::int64_t length) {
  const auto meter = std::make_shared<PeakMeter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
  run.objective->train(run.model, long_batch(sequences, length), 1.0, run.gradients);
  return static_cast<double>(meter->peak());
}

struct Case {
  const char* name;
  model::BuildSpec spec;
  bool recompute;
};

}  // namespace

TEST(Activations, AreEstimatedFromTheShapeNotBelowThePeakAndAtMostAQuarterAbove) {
  constexpr std::int64_t kLength = 64;
  for (const Case& one : {Case{"full", full_spec(), false}, Case{"full, recomputed", full_spec(), true},
                          Case{"LoRA", lora_spec(), false}, Case{"LoRA, dropout", lora_spec(0.1), false},
                          Case{"LoRA, bf16", with_compute(lora_spec(), at::kBFloat16), false},
                          Case{"LoRA, recomputed", lora_spec(), true},
                          Case{"LoRA, fp16", with_compute(lora_spec(), at::kHalf), false}}) {
    TinyRun run(one.spec, one.recompute);
    const model::ActivationEstimate estimate =
        model::estimate_activations(run.model.config(), one.spec, one.recompute, kLength);
    const double few = peak_of(run, 2, kLength), many = peak_of(run, 6, kLength);
    const double measured = (many - few) / (4 * kLength);
    EXPECT_GE(estimate.per_token, measured) << one.name;
    EXPECT_LE(estimate.per_token, 1.25 * measured) << one.name;
    EXPECT_GE(estimate.per_token * 6 * kLength + estimate.fixed, many) << one.name;
  }
}

}  // namespace hone::test
