#include "core/formats/peft.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/base/error.h"
#include "core/formats/decode.h"
#include "core/formats/hf_source.h"
#include "core/formats/json_fields.h"

namespace hone::formats {
namespace {

constexpr std::string_view kPrefix = "base_model.model.", kSuffixA = ".lora_A.weight",
                           kSuffixB = ".lora_B.weight", kWeight = ".weight",
                           kTokenRows = ".token_adapter.trainable_tokens_delta",
                           kTable = ".token_adapter.base_layer.weight";

void refuse_variants(const JsonFields& fields) {
  const auto refuse = [&](const std::string& key, const std::string& why) {
    fields.refuse("005", "adapter variant not supported", key, why);
  };
  if (const auto type = fields.need_string("peft_type"); type != "LORA") refuse("peft_type", type);
  if (const auto bias = fields.string("bias").value_or("none"); bias != "none") refuse("bias", bias);
  for (const char* key : {"use_dora", "fan_in_fan_out", "lora_bias", "use_qalora"})
    if (fields.boolean(key).value_or(false)) refuse(key, "true");
  // Each of these changes what an adapter computes or which tensors it has; absent, null and empty do not.
  for (const char* key : {"rank_pattern", "alpha_pattern", "layer_replication", "loftq_config",
                          "target_parameters", "alora_invocation_tokens", "use_bdlora", "arrow_config",
                          "kasa_config", "velora_config", "monteclora_config"}) {
    const Json* value = fields.find(key);
    if (value && !(value->is_structured() && value->empty()) && *value != Json(false))
      refuse(key, "it is set");
  }
}

std::vector<std::string> read_names(const JsonFields& fields, const std::string& key) {
  const Json* list = fields.find(key);
  if (!list) return {};
  if (!list->is_array()) fields.refuse("004", "value of another type", key, "names were expected");
  std::vector<std::string> names;
  for (const Json& name : *list) {
    if (!name.is_string() || name.get_ref<const std::string&>().empty())
      fields.refuse("004", "value of another type", key, "names were expected");
    names.push_back(name.get<std::string>());
  }
  return names;
}

void read_targets(const JsonFields& fields, PeftConfig& config) {
  const Json* targets = fields.find("target_modules");
  if (targets && targets->is_string()) {
    config.target_pattern = targets->get<std::string>();
  } else {
    config.targets = read_names(fields, "target_modules");
  }
  config.modules_to_save = read_names(fields, "modules_to_save");
  // One copy for embedding and head: the file holds the embedding's alone.
  if (!config.modules_to_save.empty() && fields.boolean("ensure_weight_tying").value_or(false))
    fields.refuse("005", "adapter variant not supported", "ensure_weight_tying", "true");
}

std::vector<std::int64_t> read_ids(const JsonFields& fields, const Json& list) {
  constexpr const char* kKey = "trainable_token_indices";
  std::vector<std::int64_t> ids;
  for (const Json& id : list) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > std::numeric_limits<std::int32_t>::max())
      fields.refuse("004", "value of another type", kKey, "token ids were expected");
    ids.push_back(id.get<std::int64_t>());
  }
  std::vector<std::int64_t> sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    fields.refuse("003", "value out of range", kKey, "an id is there twice");
  return ids;
}

// A list is of the embedding; a dict names it and the head.
TokenRows read_token_rows(const JsonFields& fields) {
  const Json* value = fields.find("trainable_token_indices");
  if (!value || value->is_null() || value->empty()) return {};
  if (value->is_array()) return {{kEmbeddingName, read_ids(fields, *value)}};
  TokenRows rows;
  if (!value->is_object())
    fields.refuse("004", "value of another type", "trainable_token_indices", "ids were expected");
  for (const auto& item : value->items()) {
    if (item.key() != kEmbeddingName && item.key() != kHeadName)
      fields.refuse("005", "adapter variant not supported", "trainable_token_indices", item.key());
    if (!item.value().is_array())
      fields.refuse("004", "value of another type", "trainable_token_indices", "token ids were expected");
    rows[item.key()] = read_ids(fields, item.value());
  }
  return rows;
}

PeftConfig read_config(const std::string& folder) {
  const std::string path = folder + "/adapter_config.json";
  const Json json = parse_json_file(path, "AD001");
  const JsonFields fields(json, "AD", path);
  refuse_variants(fields);
  PeftConfig config;
  config.rank = fields.need_integer("r", 1, 65'536);
  const auto alpha = fields.number("lora_alpha", 0, 1e9);
  if (!alpha) fields.refuse("002", "key missing", "lora_alpha", "it is needed");
  config.alpha = *alpha;
  config.dropout = fields.number("lora_dropout", 0, 1).value_or(0);
  config.use_rslora = fields.boolean("use_rslora").value_or(false);
  config.base_model = fields.string("base_model_name_or_path").value_or("");
  config.task_type = fields.string("task_type").value_or("");
  if (const Json* init = fields.find("init_lora_weights")) {
    if (!init->is_boolean() && !init->is_string())
      fields.refuse("004", "value of another type", "init_lora_weights", "a boolean or a name was expected");
    // Other initialisations (PiSSA, OLoRA, LoftQ, ...) change the base weights as well.
    if (init->is_string() && *init != "gaussian" && *init != "eva" && *init != "orthogonal")
      fields.refuse("005", "adapter variant not supported", "init_lora_weights", init->dump());
    config.init_lora_weights = init->dump();
  }
  read_targets(fields, config);
  config.token_rows = read_token_rows(fields);
  return config;
}

SafetensorsFile open_weights(const std::string& folder) {
  const std::string path = folder + "/adapter_model.safetensors";
  if (!path_exists(path)) refuse_pickle_weights(folder);
  return SafetensorsFile(path);
}

// fp32 copies of adapters are small; a header of mixed order is avoided by going module by module, A then B.
std::vector<TensorInfo> layout_of(const PeftConfig& config, const std::vector<PeftWeights>& weights,
                                  const std::vector<PeftModule>& saved) {
  std::vector<TensorInfo> infos;
  for (const PeftWeights& w : weights) {
    HONE_CHECK(static_cast<std::int64_t>(w.a.size()) == config.rank * w.in);
    HONE_CHECK(static_cast<std::int64_t>(w.b.size()) == config.rank * w.out);
    infos.push_back({fmt::format("{}{}{}", kPrefix, w.module, kSuffixA), DType::f32, {config.rank, w.in}});
    infos.push_back({fmt::format("{}{}{}", kPrefix, w.module, kSuffixB), DType::f32, {w.out, config.rank}});
  }
  for (const PeftModule& module : saved)
    infos.push_back({fmt::format("{}{}", kPrefix, module.tensor), DType::f32, module.shape});
  return infos;
}

OrderedJson token_rows_json(const TokenRows& rows) {
  if (rows.empty()) return nullptr;
  if (rows.size() == 1 && rows.begin()->first == kEmbeddingName) return rows.begin()->second;
  return rows;
}

OrderedJson text_or_null(const std::string& text) {
  return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
}

// lora_alpha is an integer in PEFT wherever it can be.
OrderedJson number(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e9) return static_cast<std::int64_t>(value);
  return value;
}

OrderedJson config_json(const PeftConfig& config) {
  OrderedJson json;
  json["peft_type"] = "LORA";
  json["task_type"] = text_or_null(config.task_type);
  json["base_model_name_or_path"] = text_or_null(config.base_model);
  json["inference_mode"] = true;
  json["r"] = config.rank;
  json["lora_alpha"] = number(config.alpha);
  json["lora_dropout"] = config.dropout;
  json["use_rslora"] = config.use_rslora;
  json["target_modules"] =
      config.target_pattern.empty() ? OrderedJson(config.targets) : OrderedJson(config.target_pattern);
  json["init_lora_weights"] = OrderedJson::parse(config.init_lora_weights);
  json["bias"] = "none";
  json["fan_in_fan_out"] = false;
  json["modules_to_save"] =
      config.modules_to_save.empty() ? OrderedJson(nullptr) : OrderedJson(config.modules_to_save);
  json["trainable_token_indices"] = token_rows_json(config.token_rows);
  json["rank_pattern"] = OrderedJson::object();
  json["alpha_pattern"] = OrderedJson::object();
  json["use_dora"] = false;
  return json;
}

}  // namespace

double PeftConfig::scaling() const {
  return alpha / (use_rslora ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank));
}

bool is_saved_module(const std::vector<std::string>& names, std::string_view module) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return module.ends_with(name); });
}

std::string token_rows_name(const std::string& module) { return fmt::format("{}{}", module, kTokenRows); }

PeftAdapter::PeftAdapter(const std::string& folder)
    : config_(read_config(folder)), file_(open_weights(folder)) {
  sort_out();
}

void PeftAdapter::refuse(std::string_view code, const std::string& name, const std::string& why) const {
  throw Error(Exit::input, code, "adapter tensor not usable", file_.path() + ": " + name, why);
}

void PeftAdapter::take_token_rows(const std::string& module, const SafetensorsEntry& entry) {
  const auto rows = config_.token_rows.find(module.substr(module.rfind('.') + 1));
  if (rows == config_.token_rows.end())
    refuse("AD006", entry.info.name, "trainable_token_indices has no ids for it");
  if (entry.info.shape.size() != 2 || entry.info.shape[0] != std::ssize(rows->second))
    refuse("AD007", entry.info.name, fmt::format("{} rows were expected", rows->second.size()));
  token_rows_.push_back({module + std::string(kWeight), rows->second, &entry});
}

// A tied head's is the embedding's once more, and no rows are its own.
void PeftAdapter::take_table(const std::string& module, const SafetensorsEntry& entry) {
  if (entry.info.shape.size() != 2) refuse("AD007", entry.info.name, "a matrix was expected");
  for (PeftTokenRows& rows : token_rows_)
    if (rows.tensor == module + std::string(kWeight)) rows.table = &entry;
}

void PeftAdapter::sort_out() {
  std::map<std::string, PeftPair> modules;
  std::vector<std::pair<std::string, const SafetensorsEntry*>> tables;
  for (const SafetensorsEntry& entry : file_.entries()) {
    const std::string& name = entry.info.name;
    const bool is_a = name.ends_with(kSuffixA), is_pair = is_a || name.ends_with(kSuffixB);
    const bool is_rows = name.ends_with(kTokenRows);
    const auto& shape = entry.info.shape;
    if (!name.starts_with(kPrefix) || (!name.ends_with(kWeight) && !is_rows))
      refuse("AD006", name, "names are base_model.model.<module>.weight, .lora_A.weight or .lora_B.weight");
    if (is_pair ? shape.size() != 2 || shape[is_a ? 0 : 1] != config_.rank
                : shape.empty() || shape.size() > 2)
      refuse("AD007", name, fmt::format("a matrix of rank {} was expected", config_.rank));
    if (entry.info.dtype != DType::f32 && entry.info.dtype != DType::f16 && entry.info.dtype != DType::bf16)
      refuse("AD007", name, "float32, float16 or bfloat16 was expected");
    const std::string tensor = name.substr(kPrefix.size());
    if (is_rows) {
      take_token_rows(tensor.substr(0, tensor.size() - kTokenRows.size()), entry);
      continue;
    }
    if (name.ends_with(kTable)) {
      tables.emplace_back(tensor.substr(0, tensor.size() - kTable.size()), &entry);
      continue;
    }
    if (!is_pair) {
      saved_.push_back({tensor, &entry});
      continue;
    }
    const std::string module = tensor.substr(0, tensor.size() - kSuffixA.size());
    (is_a ? modules[module].a : modules[module].b) = &entry;
  }
  for (auto& [module, pair] : modules) {
    if (!pair.a || !pair.b) refuse("AD006", module, "lora_A or lora_B is missing");
    pair.module = module;
    pairs_.push_back(pair);
  }
  if (pairs_.empty()) refuse("AD006", "(all)", "the file holds no pair of lora_A and lora_B");
  for (const auto& [module, entry] : tables) take_table(module, *entry);
  if (token_rows_.size() != config_.token_rows.size())
    refuse("AD006", "trainable_tokens_delta", "trainable_token_indices has ids, and rows are missing");
  for (const std::string& name : config_.modules_to_save)
    if (std::none_of(saved_.begin(), saved_.end(), [&](const PeftSaved& saved) {
          return is_saved_module({name}, saved.tensor.substr(0, saved.tensor.size() - kWeight.size()));
        }))
      refuse("AD006", name, "modules_to_save names it and it is missing");
}

const PeftPair* PeftAdapter::find(std::string_view module) const {
  const auto it = std::lower_bound(pairs_.begin(), pairs_.end(), module,
                                   [](const PeftPair& pair, std::string_view m) { return pair.module < m; });
  return it != pairs_.end() && it->module == module ? &*it : nullptr;
}

void PeftAdapter::read(const SafetensorsEntry& entry, float* out) {
  read_rows(entry, 0, entry.info.shape[0], out);
}

void PeftAdapter::read_rows(const SafetensorsEntry& entry, std::int64_t begin, std::int64_t end, float* out) {
  const std::int64_t width = entry.info.shape.size() == 1 ? 1 : entry.info.shape[1];
  const std::int64_t row_bytes = width * block_layout(entry.info.dtype).bytes;
  decode(entry.info.dtype, entry.bytes.data() + begin * row_bytes, (end - begin) * width, out);
}

void write_peft(const std::string& folder, const PeftConfig& config, const std::vector<PeftWeights>& weights,
                const std::vector<PeftModule>& saved) {
  make_directories(folder);
  SafetensorsWriter writer(folder + "/adapter_model.safetensors", layout_of(config, weights, saved));
  for (const PeftWeights& w : weights) {
    writer.write(std::as_bytes(w.a));
    writer.write(std::as_bytes(w.b));
  }
  for (const PeftModule& module : saved) writer.write(std::as_bytes(module.values));
  writer.finish();
  write_file_atomic(folder + "/adapter_config.json", std::string_view(config_json(config).dump(2) + "\n"));
}

}  // namespace hone::formats
