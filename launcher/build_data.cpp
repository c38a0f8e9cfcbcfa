#include "launcher/build_data.h"

#include <filesystem>

#include "core/base/error.h"
#include "core/formats/tensor_source.h"

namespace hone::launcher {
namespace {

// An id without a row in the embedding would only fail in the middle of a step.
void require_rows_for(const data::Tokenizer& tokenizer, const std::string& model_path) {
  const std::int64_t rows = formats::read_model_config(model_path).vocab_size;
  if (tokenizer.vocab_size() <= rows) return;
  throw Error(Exit::input, "MD007", "tokenizer does not fit the model", model_path,
              "it has " + std::to_string(tokenizer.vocab_size()) + " ids, the model's vocab_size is " +
                  std::to_string(rows),
              "use the tokenizer that the model was saved with");
}

}  // namespace

TextTools make_text_tools(Config& config) {
  TextTools tools;
  tools.tokenizer = data::load_tokenizer(config.model.path);
  require_rows_for(*tools.tokenizer, config.model.path);
  tools.chat_template = data::make_chat_template(config.data.chat_template, *tools.tokenizer);
  config.data.chat_template = tools.chat_template->name();
  return tools;
}

std::string cache_root_of(const std::string& run_dir) {
  const std::filesystem::path path = std::filesystem::absolute(run_dir).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).parent_path().string();
}

data::PrepareJob prepare_job(const std::vector<std::string>& inputs, const Config& config, const TextTools& tools) {
  data::PrepareJob job;
  job.inputs = inputs;
  job.format = config.data.format;
  job.max_length = config.data.max_length;
  job.train_on_all = config.data.train_on == "all";
  job.tokenizer = tools.tokenizer.get();
  job.chat_template = tools.chat_template.get();
  return job;
}

PreparedRows open_rows(const std::vector<std::string>& inputs, const Config& config, const TextTools& tools,
                       const std::string& cache_root, Communicator& communicator) {
  const data::PrepareJob job = prepare_job(inputs, config, tools);
  data::Prepared prepared = data::prepare_inputs(job, cache_root, communicator);
  const data::Fingerprint fingerprint{tools.tokenizer->fingerprint(), tools.chat_template->fingerprint(),
                                      tools.tokenizer->vocab_size()};
  const data::Reading reading{config.data.max_length, job.train_on_all ? data::TrainOn::all : data::TrainOn::completion};
  return {std::make_shared<data::PreparedSet>(prepared.folders, fingerprint, reading), std::move(prepared.reports)};
}

data::LoaderRules loader_rules(const Config& config, const Communicator& communicator) {
  data::LoaderRules rules;
  rules.batch_size = config.train.batch_size;
  rules.micro_tokens = config.train.micro_tokens;
  rules.packing = config.data.packing;
  rules.shuffle = config.data.shuffle;
  rules.seed = static_cast<std::uint64_t>(config.train.seed);
  rules.rank = communicator.rank();
  rules.world_size = communicator.world_size();
  return rules;
}

}  // namespace hone::launcher
