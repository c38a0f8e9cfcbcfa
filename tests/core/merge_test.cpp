// Adapters folded into the weights give the logits of the model with its adapters beside it.
#include "core/adapter/merge.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/core/golden.h"

namespace hone::test {
namespace {

// A model's files with adapters folded in as they are read.
class FoldedSource final : public formats::TensorSource {
 public:
  FoldedSource(const formats::TensorSource& base, std::vector<const formats::PeftAdapter*> adapters)
      : base_(base), adapters_(std::move(adapters)) {}
  const std::vector<formats::TensorInfo>& tensors() const override { return base_.tensors(); }
  void read_rows(const formats::TensorInfo& info, std::int64_t begin, std::int64_t end,
                 float* out) const override {
    if (info.shape.size() != 2) return base_.read_rows(info, begin, end, out);
    std::vector<float> whole(info.shape[0] * info.shape[1]);
    base_.read_rows(info, 0, info.shape[0], whole.data());
    const std::string module = info.name.substr(0, info.name.size() - std::string(".weight").size());
    adapter::fold(adapters_, module, info.shape[0], info.shape[1], whole);
    std::copy(whole.begin() + begin * info.shape[1], whole.begin() + end * info.shape[1], out);
  }
  std::span<const std::byte> raw(const formats::TensorInfo&) const override { return {}; }
  std::optional<formats::Nf4Parts> nf4(const formats::TensorInfo&) const override { return {}; }
  std::string describe(const formats::TensorInfo& info) const override { return base_.describe(info); }

 private:
  const formats::TensorSource& base_;
  std::vector<const formats::PeftAdapter*> adapters_;
};

at::Tensor logits(const model::Model& model, const TokenBatch& batch) {
  return at::mm(model.forward(batch, {}), model.head().weight->acquire().t());
}

}  // namespace

TEST(Merge, FoldedWeightsGiveTheLogitsOfTheUnmergedModel) {
  const Golden golden("two_adapters.safetensors");
  const TokenBatch batch = batch_of(golden, 0, 3);
  const formats::PeftAdapter first(golden_path("tiny_adapter")), second(golden_path("tiny_adapter_rslora"));
  const model::Model unmerged = build("tiny_llama", {.frozen_adapters = {&first, &second}});
  const formats::ModelFiles files = formats::open_model(golden_path("tiny_llama"));
  const auto merged = [&](std::vector<const formats::PeftAdapter*> adapters) {
    formats::ModelFiles folded{files.config,
                               std::make_unique<FoldedSource>(*files.tensors, std::move(adapters))};
    return model::build_model(folded, {}, false);
  };
  const at::Tensor both = logits(merged({&first, &second}), batch);
  EXPECT_LT(relative_error(both, logits(unmerged, batch)), 1e-5);
  EXPECT_LT(relative_error(both, golden["logits_fp64"]), 1e-5);
  EXPECT_GT(relative_error(logits(merged({&first}), batch), logits(unmerged, batch)), 1e-3);
  EXPECT_LT(relative_error(logits(merged({&second, &first}), batch), both), 1e-5);  // order is rounding only
}

TEST(Merge, LeavesModulesAloneThatNoAdapterNames) {
  const formats::PeftAdapter adapter(golden_path("tiny_adapter_rslora"));  // q and v only
  std::vector<float> weight(64 * 64, 0.25f);
  adapter::fold({&adapter}, "model.layers.0.self_attn.o_proj", 64, 64, weight);
  EXPECT_EQ(weight, std::vector<float>(64 * 64, 0.25f));
  adapter::fold({&adapter}, "model.layers.0.self_attn.q_proj", 64, 64, weight);
  EXPECT_NE(weight, std::vector<float>(64 * 64, 0.25f));
}

TEST(Merge, RefusesAnAdapterOfAnotherShape) {
  const formats::PeftAdapter adapter(golden_path("tiny_adapter"));
  std::vector<float> weight(32 * 64, 0.0f);
  try {
    adapter::fold({&adapter}, "model.layers.0.self_attn.q_proj", 32, 64, weight);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit(), Exit::input);
    EXPECT_EQ(e.code(), "AD010");
  }
  EXPECT_EQ(weight, std::vector<float>(32 * 64, 0.0f));
}

}  // namespace hone::test
