#include "launcher/model_input.h"

#include <algorithm>

#include "core/adapter/token_rows.h"
#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/formats/edited_model.h"
#include "core/formats/random_model.h"
#include "data/text/chat_template.h"
#include "data/text/tokenizer.h"

namespace hone::launcher {
namespace {

constexpr const char* kEmbedding = "model.embed_tokens";
constexpr const char* kHead = formats::kHeadName;

std::string module_of(const std::string& tensor) { return tensor.substr(0, tensor.rfind('.')); }

// Modules that the adapter holds whole, under the names it calls them by.
std::vector<std::string> saved_modules(const formats::PeftAdapter& adapter) {
  std::vector<std::string> names = adapter.config().modules_to_save;
  for (const formats::PeftSaved& saved : adapter.saved())
    if (!formats::is_saved_module(names, module_of(saved.tensor))) names.push_back(module_of(saved.tensor));
  return names;
}

// adapter.init decides the shape of the adapter; the config then says what it is.
std::unique_ptr<formats::PeftAdapter> open_init(AdapterOptions& options) {
  if (options.init.empty()) return nullptr;
  auto init = std::make_unique<formats::PeftAdapter>(options.init);
  options.rank = init->config().rank;
  options.alpha = init->config().alpha;
  options.rslora = init->config().use_rslora;
  options.targets = init->config().targets.empty() ? std::vector<std::string>{init->config().target_pattern}
                                                   : init->config().targets;
  options.modules_to_save = saved_modules(*init);
  options.trainable_token_indices = adapter::entries_of(init->config().token_rows);
  return init;
}

std::vector<std::string> adapter_folders(const Config& config) {
  std::vector<std::string> folders = config.model.adapters;
  if (!config.adapter.init.empty()) folders.push_back(config.adapter.init);
  return folders;
}

std::string adapters_chat_template(const Config& config) {
  std::string last;
  for (const std::string& folder : adapter_folders(config))
    if (std::string text = data::stored_chat_template(folder); !text.empty()) last = std::move(text);
  return last;
}

// Folders of model.adapters, then adapter.init, that hold the embedding or rows of it, with how many it then has.
std::vector<std::pair<std::string, std::int64_t>> embedding_holders(const Config& config) {
  std::vector<std::pair<std::string, std::int64_t>> holders;
  for (const std::string& folder : adapter_folders(config))
    if (const std::int64_t rows = formats::vocabulary_rows(formats::PeftAdapter(folder)); rows > 0)
      holders.push_back({folder, rows});
  return holders;
}

void refuse_impossible(const Config& config, Purpose purpose) {
  const AdapterOptions& adapter = config.adapter;
  const bool lora = purpose == Purpose::train && adapter.type == "lora";
  const auto refuse_beside_all = [&](const std::vector<std::string>& names, const char* key) {
    if (purpose == Purpose::train && !lora && !names.empty())
      throw Error(Exit::usage, "US073", "modules are trained whole already", key, "adapter.type is none",
                  "leave it out, or train an adapter");
  };
  refuse_beside_all(adapter.modules_to_save, "adapter.modules_to_save");
  refuse_beside_all(adapter.trainable_token_indices, "adapter.trainable_token_indices");
}

// "new" becomes ids; rows are trained once, of tensors that are there, and new tokens are.
void settle_token_rows(Config& config, const formats::ModelConfig& model, const data::Tokenizer* tokenizer) {
  AdapterOptions& adapter = config.adapter;
  std::vector<std::int32_t> new_ids;
  for (const std::string& token : config.data.new_tokens) {
    new_ids.push_back(tokenizer->id(token).value());
    if (std::count(new_ids.begin(), new_ids.end(), new_ids.back()) > 1)
      throw Error(Exit::usage, "US079", "new token given twice", "data.new_tokens", token, "name it once");
  }
  adapter.trainable_token_indices = adapter::with_new_tokens(adapter.trainable_token_indices, new_ids);
  const formats::TokenRows rows = adapter::token_rows(adapter.trainable_token_indices);
  const auto refuse = [](const std::string& why, const std::string& hint) {
    throw Error(Exit::usage, "US078", "rows cannot be trained", "adapter.trainable_token_indices", why, hint);
  };
  for (const auto& [name, ids] : rows)
    if (formats::is_saved_module(adapter.modules_to_save,
                                 name == formats::kEmbeddingName ? kEmbedding : name))
      refuse("adapter.modules_to_save trains " + name + " whole", "leave one of them out");
  if (model.tie_embeddings && rows.contains(formats::kHeadName))
    refuse("the head is the embedding", "name ids alone: their rows are those of both");
  const auto trained = rows.find(formats::kEmbeddingName);
  const auto learns = [&](std::int64_t id) {
    return trained != rows.end() &&
           std::find(trained->second.begin(), trained->second.end(), id) != trained->second.end();
  };
  if (adapter.type == "lora" && !formats::is_saved_module(adapter.modules_to_save, kEmbedding) &&
      !std::all_of(new_ids.begin(), new_ids.end(), learns))
    throw Error(Exit::usage, "US074", "new tokens would never be trained", "data.new_tokens",
                "the embedding is frozen under an adapter",
                "set adapter.trainable_token_indices new, or adapter.modules_to_save embed_tokens,lm_head");
}

bool parts_head_from_embedding(const Config& config) {
  const auto& names = config.adapter.modules_to_save;
  return formats::is_saved_module(names, kEmbedding) || formats::is_saved_module(names, kHead);
}

}  // namespace

void use_stored_weights(Config& config) { config.model.init = ModelOptions{}.init; }

formats::ModelFiles open_base(const Config& config) {
  if (config.model.init != "random") return formats::open_model(config.model.path);
  const bool adapter = config.adapter.type != "none" || !config.model.adapters.empty();
  if (adapter || config.model.quantize != "none")
    throw Error(Exit::usage, "US075", "a model from scratch has no weights to keep", "model.init",
                adapter ? "random, with an adapter" : "random, with model.quantize " + config.model.quantize,
                "train all weights in model.dtype");
  return formats::random_model(config.model.path, static_cast<std::uint64_t>(config.train.seed));
}

formats::ModelFiles open_shapes(const Config& config) {
  const std::string& path = config.model.path;
  const bool weights = !is_directory(path) || path_exists(path + "/model.safetensors") ||
                       path_exists(path + "/model.safetensors.index.json");
  return weights ? open_base(config)
                 : formats::random_model(path, static_cast<std::uint64_t>(config.train.seed));
}

ModelInput open_model_input(Config& config, Purpose purpose) {
  return open_model_input(config, purpose, open_base(config));
}

ModelInput open_model_input(Config& config, Purpose purpose, formats::ModelFiles base) {
  ModelInput input;
  input.files = std::move(base);
  for (const std::string& folder : config.model.adapters)
    input.frozen.push_back(std::make_unique<formats::PeftAdapter>(folder));
  const bool training = purpose == Purpose::train;
  if (training) input.init = open_init(config.adapter);
  refuse_impossible(config, purpose);
  for (const auto& adapter : input.frozen) input.files = with_replaced(std::move(input.files), *adapter);
  if (input.init) input.files = with_replaced(std::move(input.files), *input.init);
  if (training && parts_head_from_embedding(config)) input.files = untied(std::move(input.files));
  std::unique_ptr<data::Tokenizer> tokenizer;
  if (!config.data.new_tokens.empty()) {
    tokenizer = data::load_tokenizer(tokenizer_source(config), config.data.new_tokens);
    const std::int64_t rows = std::max<std::int64_t>(tokenizer->vocab_size(), input.files.config.vocab_size);
    input.files = with_vocabulary(std::move(input.files), rows);
  }
  if (training) settle_token_rows(config, input.files.config, tokenizer.get());
  return input;
}

std::string tokenizer_source(const Config& config) {
  const auto holders = embedding_holders(config);
  if (holders.empty()) return config.model.path;
  const auto& [folder, rows] = holders.back();
  if (path_exists(folder + "/tokenizer.json")) return folder;
  if (rows <= formats::read_model_config(config.model.path).vocab_size) return config.model.path;
  throw Error(Exit::input, "TK020", "adapter without its tokenizer", folder,
              "its embedding has " + std::to_string(rows) + " rows, more than the model's",
              "save the tokenizer it was trained with beside it");
}

std::string chat_template_source(const Config& config, const data::Tokenizer& tokenizer) {
  const std::string of_adapter = adapters_chat_template(config);
  return of_adapter.empty() ? tokenizer.chat_template_source() : of_adapter;
}

std::string chat_template_to_write(const Config& config) {
  const std::string& name = config.data.chat_template;
  const std::string of_adapter = adapters_chat_template(config);
  if (name == "none" || (name == "auto" && of_adapter.empty())) return {};
  const auto tokenizer = data::load_tokenizer(tokenizer_source(config));
  const std::string& own = tokenizer->chat_template_source();
  if (name == "auto") return of_adapter == own ? std::string() : of_adapter;
  data::make_chat_template(name, *tokenizer);  // refuses what the tokenizer lacks tokens for
  // Beside an adapter that carries another, the model's own is carried too: the last that is carried counts.
  return data::template_to_carry(name, of_adapter.empty() ? own : std::string());
}

bool replaces_modules(const Config& config) {
  return std::any_of(config.model.adapters.begin(), config.model.adapters.end(),
                     [](const std::string& folder) { return formats::PeftAdapter(folder).replaces(); });
}

std::int64_t vocabulary_rows(const Config& config) {
  std::int64_t most = formats::read_model_config(config.model.path).vocab_size;
  for (const auto& [folder, rows] : embedding_holders(config)) most = std::max(most, rows);
  return most;
}

}  // namespace hone::launcher
