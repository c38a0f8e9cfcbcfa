// hone merge: folds adapters into a model and measures what the folded model's logits differ by.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include "core/adapter/merge.h"
#include "core/base/error.h"
#include "core/formats/tensor_source.h"
#include "core/model/compute_type.h"
#include "core/model/registry.h"
#include "core/quant/nf4.h"
#include "launcher/build_data.h"
#include "launcher/build_model.h"
#include "launcher/commands.h"
#include "launcher/model_folder.h"
#include "launcher/model_input.h"
#include "launcher/options/command_options.h"
#include "launcher/runtime.h"

namespace hone::launcher {
namespace {

std::string module_of(const std::string& weight) { return weight.substr(0, weight.rfind(".weight")); }

// The weight as the model computes with it: through NF4 where it is held in NF4.
void through_nf4(const Config& config, std::vector<float>& values) {
  quant::Nf4Quantizer quantizer(static_cast<std::int64_t>(values.size()));
  quantizer.push(values);
  const quant::Nf4Data data = quantizer.finish(config.model.double_quant);
  quant::dequantize_nf4(data.codes.data(), quant::absmax_of(data).data(), data.elements, 0, data.blocks(),
                        values.data());
}

void write_merged(Config& config, const std::string& output) {
  const ModelInput input = open_model_input(config, Purpose::infer);
  const formats::ModelFiles& files = input.files;
  std::vector<const formats::PeftAdapter*> adapters;
  for (const auto& adapter : input.frozen) adapters.push_back(adapter.get());
  FolderWriter writer(config, output, config.model.dtype, FolderThere::refuse);
  for (const formats::TensorInfo& info : files.tensors->tensors()) writer.announce(info.name, info.shape);
  writer.begin();
  for (const formats::TensorInfo& info : files.tensors->tensors()) {
    std::vector<float> values(c10::multiply_integers(info.shape));
    files.tensors->read_rows(info, 0, info.shape[0], values.data());
    if (formats::is_block_linear(info)) {
      if (config.model.quantize == "nf4" && info.dtype != formats::DType::nf4) through_nf4(config, values);
      adapter::fold(adapters, module_of(info.name), info.shape[0], info.shape[1], values);
    }
    writer.write(values);
  }
  writer.finish(files.config);
}

// Tokens of a fixed sentence; what is compared is the same function on both sides.
TokenBatch probe_batch(const data::Tokenizer& tokenizer) {
  TokenBatch batch;
  batch.tokens =
      tokenizer.encode("The quick brown fox jumps over the lazy dog. 12 + 30 = 42; def f(x): return x", true);
  for (std::size_t i = 0; i < batch.tokens.size(); ++i)
    batch.positions.push_back(static_cast<std::int32_t>(i));
  batch.supervised.assign(batch.tokens.size(), 1);
  batch.cu_seqlens.push_back(static_cast<std::int32_t>(batch.tokens.size()));
  batch.sample = {0};
  batch.slot = {0};
  batch.prefix = {-1};
  return batch;
}

at::Tensor logits_of(Config config, const TokenBatch& batch) {
  const model::Model model = build_model(config, Purpose::infer);
  return at::mm(model.forward(batch, {}), model.head().weight->acquire().t()).to(at::kFloat);
}

}  // namespace

int run_merge(CommandContext& context) {
  const c10::InferenceMode inference;
  context.require("model.adapters");
  context.require("output");
  const std::string& output = context.options<MergeOptions>().output;
  use_stored_weights(context.config());
  Runtime runtime = make_runtime(context);
  if (context.session.rank() != 0) return 0;
  Config& config = context.config();
  write_merged(config, output);

  const auto tokenizer = data::load_tokenizer(tokenizer_source(config));
  const TokenBatch batch = probe_batch(*tokenizer);
  const at::Tensor unmerged = logits_of(config, batch);
  Config merged = config;
  merged.model.path = output;
  merged.model.adapters.clear();
  merged.model.quantize = "none";
  const at::Tensor folded = logits_of(merged, batch);
  context.out.json({{"max_abs_logit_error", (unmerged - folded).abs().max().item<double>()},
                    {"max_abs_logit", unmerged.abs().max().item<double>()},
                    {"tokens", batch.token_count()}});
  return 0;
}

}  // namespace hone::launcher
