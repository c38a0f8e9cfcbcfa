// A whole Llama in fp64 against autograd of a plain reference written here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "core/formats/peft.h"
#include "core/objective/objective.h"
#include "tests/core/autograd.h"
#include "tests/core/golden.h"

namespace hone::test {
namespace {

class DoubleSink final : public GradientSink {
 public:
  explicit DoubleSink(const ArenaLayout& layout) {
    for (const ParameterSlice& slice : layout.parameters)
      buffers_.push_back(at::zeros(slice.shape, at::kDouble));
  }
  at::Tensor gradient(std::size_t parameter) override { return buffers_[parameter]; }
  void block_final(std::size_t block) override { blocks.push_back(block); }
  std::vector<std::size_t> blocks;

 private:
  std::vector<at::Tensor> buffers_;
};

// Sequence by sequence, head by head, in the words of the paper.
class ReferenceLlama {
 public:
  ReferenceLlama(const std::string& folder, const std::vector<const formats::PeftAdapter*>& adapters) {
    const formats::ModelFiles files = formats::open_model(golden_path(folder));
    config_ = files.config;
    for (const formats::TensorInfo& info : files.tensors->tensors()) {
      at::Tensor values = at::empty(info.shape, at::kFloat);
      files.tensors->read_rows(info, 0, info.shape[0], values.mutable_data_ptr<float>());
      parameters[info.name] = leaf(values.to(at::kDouble));
    }
    for (const formats::PeftAdapter* adapter : adapters) {
      for (const formats::PeftPair& pair : adapter->pairs())
        branches_[pair.module].push_back({read(*pair.a), read(*pair.b), adapter->config().scaling()});
    }
  }

  // The loss sum over supervised tokens.
  at::Tensor loss(const TokenBatch& batch) {
    at::Tensor sum = at::zeros({}, at::kDouble);
    for (std::int64_t s = 0; s < batch.sequence_count(); ++s) {
      const std::int64_t begin = batch.cu_seqlens[s], n = batch.cu_seqlens[s + 1] - begin;
      std::vector<std::int64_t> ids(batch.tokens.begin() + begin, batch.tokens.begin() + begin + n);
      const at::Tensor logp =
          at::log_softmax(logits(at::tensor(at::ArrayRef<std::int64_t>(ids), at::kLong)), -1);
      for (std::int64_t t = 1; t < n; ++t)
        if (batch.supervised[begin + t]) sum = sum - logp[t - 1][ids[t]];
    }
    return sum;
  }

  at::Tensor& a(const std::string& module, std::size_t i) { return branches_.at(module).at(i).a; }
  at::Tensor& b(const std::string& module, std::size_t i) { return branches_.at(module).at(i).b; }
  std::map<std::string, at::Tensor> parameters;

 private:
  struct Branch {
    at::Tensor a, b;
    double scale;
  };
  static at::Tensor read(const formats::SafetensorsEntry& entry) {
    at::Tensor values = at::empty(entry.info.shape, at::kFloat);
    formats::PeftAdapter::read(entry, values.mutable_data_ptr<float>());
    return leaf(values.to(at::kDouble));
  }
  at::Tensor linear(const std::string& module, const at::Tensor& x) {
    at::Tensor y = at::mm(x, parameters.at(module + ".weight").t());
    if (const auto bias = parameters.find(module + ".bias"); bias != parameters.end()) y = y + bias->second;
    for (const Branch& branch : branches_[module])
      y = y + branch.scale * at::mm(at::mm(x, branch.a.t()), branch.b.t());
    return y;
  }
  at::Tensor norm(const std::string& name, const at::Tensor& x) {
    return x / (x.square().mean(-1, true) + config_.rms_eps).sqrt() * parameters.at(name + ".weight");
  }
  at::Tensor turned(const at::Tensor& x) {  // [n, D]
    const std::int64_t dim = config_.head_dim;
    const at::Tensor inverse = at::pow(config_.rope_theta, -at::arange(0, dim, 2, at::kDouble) / dim);
    const at::Tensor angle = at::arange(x.size(0), at::kDouble).unsqueeze(1) * inverse;
    const at::Tensor a = x.narrow(1, 0, dim / 2), b = x.narrow(1, dim / 2, dim / 2);
    return at::cat({a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()}, 1);
  }
  at::Tensor attend(const std::string& prefix, const at::Tensor& x) {
    const at::Tensor q = linear(prefix + "q_proj", x), k = linear(prefix + "k_proj", x),
                     v = linear(prefix + "v_proj", x);
    const std::int64_t dim = config_.head_dim, group = config_.num_heads / config_.num_kv_heads;
    const at::Tensor hidden = at::ones({x.size(0), x.size(0)}, at::kBool).triu(1);
    std::vector<at::Tensor> heads;
    for (std::int64_t h = 0; h < config_.num_heads; ++h) {
      const at::Tensor qh = turned(q.narrow(1, h * dim, dim)), kh = turned(k.narrow(1, h / group * dim, dim));
      const at::Tensor scores =
          (at::mm(qh, kh.t()) / std::sqrt(static_cast<double>(dim))).masked_fill(hidden, -INFINITY);
      heads.push_back(at::mm(at::softmax(scores, -1), v.narrow(1, h / group * dim, dim)));
    }
    return linear(prefix + "o_proj", at::cat(heads, 1));
  }
  at::Tensor logits(const at::Tensor& ids) {
    at::Tensor x = parameters.at("model.embed_tokens.weight").index_select(0, ids);
    for (std::int64_t i = 0; i < config_.num_layers; ++i) {
      const std::string prefix = "model.layers." + std::to_string(i) + ".";
      x = x + attend(prefix + "self_attn.", norm(prefix + "input_layernorm", x));
      const at::Tensor y = norm(prefix + "post_attention_layernorm", x);
      const at::Tensor gate = linear(prefix + "mlp.gate_proj", y);
      x = x + linear(prefix + "mlp.down_proj", gate * at::sigmoid(gate) * linear(prefix + "mlp.up_proj", y));
    }
    const char* head = config_.tie_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
    return at::mm(norm("model.norm", x), parameters.at(head).t());
  }

  formats::ModelConfig config_;
  std::map<std::string, std::vector<Branch>> branches_;
};

constexpr double kScale = 0.25, kTolerance = 1e-11;

// Trains one batch in fp64 and holds every gradient against autograd of the reference.
void expect_gradients(model::Model& model, const TokenBatch& batch, const at::Tensor& loss,
                      const std::function<at::Tensor(const std::string&)>& reference_parameter) {
  DoubleSink sink(model.arena().layout());
  const auto sft = objective::make_objective({});
  EXPECT_NEAR(sft->train(model, batch, kScale, sink) / loss.item<double>(), 1.0, kTolerance);
  const auto& parameters = model.arena().layout().parameters;
  ASSERT_FALSE(parameters.empty());
  std::vector<at::Tensor> leaves;
  for (const ParameterSlice& slice : parameters) leaves.push_back(reference_parameter(slice.name));
  const auto expected = autograd({loss}, {at::full({}, kScale, at::kDouble)}, leaves);
  for (std::size_t p = 0; p < parameters.size(); ++p)
    EXPECT_LT(relative_error(sink.gradient(p), expected[p]), kTolerance) << parameters[p].name;
  // Every block once, the embedding (which a tied head also writes) last.
  std::vector<std::size_t> order = sink.blocks;
  EXPECT_TRUE(std::is_sorted(order.rbegin(), order.rend()));
  EXPECT_EQ(order.size(), model.arena().layout().blocks.size());
}

}  // namespace

TEST(LlamaGradient, EveryParameterEqualsAutogradInDouble) {
  const Golden golden("forward_backward.safetensors");
  const TokenBatch batch = batch_of(golden, 0, 3);
  for (const std::string folder : {"tiny_llama", "tiny_llama_untied", "tiny_qwen2"}) {
    for (const bool recompute : {false, true}) {
      model::Model model =
          build(folder, {.compute = at::kDouble, .trained = model::Trained::everything}, recompute);
      ReferenceLlama reference(folder, {});
      expect_gradients(model, batch, reference.loss(batch),
                       [&](const std::string& name) { return reference.parameters.at(name); });
    }
  }
}

TEST(LlamaGradient, EveryLoraFactorEqualsAutogradBesideAFrozenAdapter) {
  const Golden golden("forward_backward.safetensors");
  const TokenBatch batch = batch_of(golden, 0, 3);
  const formats::PeftAdapter start(golden_path("tiny_adapter")), other(golden_path("tiny_adapter_rslora"));
  for (const bool recompute : {false, true}) {
    model::BuildSpec spec{.compute = at::kDouble,
                          .trained = model::Trained::adapter,
                          .lora_init = &start,
                          .frozen_adapters = {&other}};
    spec.lora.rank = start.config().rank;
    spec.lora.alpha = start.config().alpha;
    model::Model model = build("tiny_llama", spec, recompute);
    ReferenceLlama reference("tiny_llama", {&start, &other});
    expect_gradients(model, batch, reference.loss(batch), [&](const std::string& name) {
      const std::size_t cut = name.find(".lora_");
      const std::string module = name.substr(0, cut);
      return name[cut + 6] == 'A' ? reference.a(module, 0) : reference.b(module, 0);
    });
  }
}

}  // namespace hone::test
