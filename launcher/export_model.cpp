#include "launcher/export_model.h"

#include <algorithm>
#include <map>

#include "core/adapter/token_rows.h"
#include "core/formats/peft.h"
#include "data/text/tokenizer.h"
#include "launcher/model_folder.h"
#include "launcher/model_input.h"

namespace hone::launcher {
namespace {

// What stands after the last dot, each once.
std::vector<std::string> last_names(const std::vector<std::string>& modules) {
  std::vector<std::string> names;
  for (const std::string& module : modules) {
    const std::string name = module.substr(module.rfind('.') + 1);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

formats::PeftConfig peft_config(const Config& config, const model::Model& model) {
  formats::PeftConfig peft;
  peft.rank = config.adapter.rank;
  peft.alpha = config.adapter.alpha;
  peft.dropout = config.adapter.dropout;
  peft.use_rslora = config.adapter.rslora;
  peft.base_model = config.model.path;
  peft.modules_to_save = config.adapter.modules_to_save;
  peft.token_rows = adapter::token_rows(config.adapter.trainable_token_indices);
  peft.targets = config.adapter.targets;
  if (peft.targets == std::vector<std::string>{"all-linear"})
    peft.targets = last_names(model.adapted_modules());
  return peft;
}

void export_adapter(const std::string& folder, const Config& config, model::Model& model,
                    const at::Tensor& values) {
  const auto& parameters = model.arena().layout().parameters;
  std::map<std::string, formats::PeftWeights> by_module;
  std::vector<formats::PeftModule> whole;
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const std::string& name = parameters[p].name;
    const bool is_a = name.ends_with(".lora_A.weight");
    if (!is_a && !name.ends_with(".lora_B.weight")) {
      whole.push_back({name, parameters[p].shape, model.arena().part(values, p)});
      continue;
    }
    formats::PeftWeights& weights = by_module[name.substr(0, name.rfind(".lora_"))];
    (is_a ? weights.a : weights.b) = model.arena().part(values, p);
    (is_a ? weights.in : weights.out) = parameters[p].shape[is_a ? 1 : 0];
  }
  std::vector<formats::PeftWeights> list;
  for (auto& [module, weights] : by_module) weights.module = module, list.push_back(weights);
  formats::write_peft(folder, peft_config(config, model), list, whole);
  // Rows of the embedding and ids go together, and an adapter answers in the template it was trained with.
  const std::string source = tokenizer_source(config), chat_template = chat_template_to_write(config);
  if (formats::is_saved_module(config.adapter.modules_to_save, "model.embed_tokens") ||
      !config.data.new_tokens.empty() || source != config.model.path || !chat_template.empty())
    data::export_tokenizer(source, folder, config.data.new_tokens, chat_template);
}

// Under fp32 the masters as they are; otherwise in the compute type, as they were trained with.
void export_full(const std::string& folder, const Config& config, model::Model& model,
                 const at::Tensor& values) {
  FolderWriter writer(config, folder, config.model.dtype, FolderThere::overwrite);
  const auto& parameters = model.arena().layout().parameters;
  for (std::size_t p = 0; p < parameters.size(); ++p)
    writer.announce(parameters[p].name, parameters[p].shape);
  writer.begin();
  for (std::size_t p = 0; p < parameters.size(); ++p) writer.write(model.arena().part(values, p));
  writer.finish(model.config());
}

}  // namespace

std::string export_trained(const Config& config, model::Model& model, const at::Tensor& values) {
  const bool adapter = config.adapter.type == "lora";
  const std::string folder = config.run.dir + (adapter ? "/adapter" : "/model");
  if (adapter) {
    export_adapter(folder, config, model, values);
  } else {
    export_full(folder, config, model, values);
  }
  return folder;
}

}  // namespace hone::launcher
