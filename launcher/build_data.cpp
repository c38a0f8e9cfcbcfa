#include "launcher/build_data.h"

#include <filesystem>

#include "core/base/error.h"
#include "launcher/model_input.h"

namespace hone::launcher {
namespace {

// An id without a row in the embedding would only fail in the middle of a step.
void require_rows_for(const data::Tokenizer& tokenizer, const Config& config) {
  const std::int64_t rows = vocabulary_rows(config);
  const auto ids = tokenizer.vocab_size() - static_cast<std::int64_t>(config.data.new_tokens.size());
  if (ids <= rows) return;
  throw Error(Exit::input, "MD007", "tokenizer does not fit the model", config.model.path,
              "it has " + std::to_string(ids) + " ids, the model's vocab_size is " + std::to_string(rows),
              "use the tokenizer that the model was saved with");
}

data::Reading reading_of(const DataOptions& options) {
  if (!options.chunk && options.chunk_overlap > 0)
    throw Error(Exit::usage, "US070", "overlap without chunks", "data.chunk_overlap",
                std::to_string(options.chunk_overlap) + ", data.chunk is false", "set data.chunk true");
  if (options.chunk_overlap >= options.max_length)
    throw Error(
        Exit::usage, "US071", "chunks would not advance", "data.chunk_overlap",
        std::to_string(options.chunk_overlap) + ", data.max_length is " + std::to_string(options.max_length),
        "overlap fewer tokens than a chunk has");
  if (options.chunk && options.truncation_side != "right")
    throw Error(Exit::usage, "US072", "chunks cut nothing off", "data.truncation_side",
                options.truncation_side + ", data.chunk is true", "leave one of the two out");
  data::Reading reading;
  reading.max_length = options.max_length;
  reading.train_on = options.train_on == "all" ? data::TrainOn::all : data::TrainOn::completion;
  reading.truncation_side =
      options.truncation_side == "left" ? data::TruncationSide::left : data::TruncationSide::right;
  reading.chunk = options.chunk;
  reading.chunk_overlap = options.chunk_overlap;
  return reading;
}

}  // namespace

TextTools make_text_tools(Config& config) {
  TextTools tools;
  tools.tokenizer = data::load_tokenizer(tokenizer_source(config), config.data.new_tokens);
  require_rows_for(*tools.tokenizer, config);
  tools.chat_template = data::make_chat_template(config.data.chat_template, *tools.tokenizer,
                                                 chat_template_source(config, *tools.tokenizer));
  config.data.chat_template = tools.chat_template->name();
  return tools;
}

std::string cache_root_of(const std::string& run_dir) {
  const std::filesystem::path path = std::filesystem::absolute(run_dir).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).parent_path().string();
}

data::PrepareJob prepare_job(const std::vector<std::string>& inputs, const Config& config,
                             const TextTools& tools) {
  data::PrepareJob job;
  job.inputs = inputs;
  job.format = config.data.format;
  job.reading = reading_of(config.data);
  job.tokenizer = tools.tokenizer.get();
  job.chat_template = tools.chat_template.get();
  return job;
}

PreparedRows open_rows(const std::vector<std::string>& inputs, const Config& config, const TextTools& tools,
                       const std::string& cache_root, Communicator& communicator, bool apart) {
  const data::PrepareJob job = prepare_job(inputs, config, tools);
  data::Prepared prepared = data::prepare_inputs(job, cache_root, communicator, apart);
  const data::Fingerprint fingerprint{tools.tokenizer->fingerprint(), tools.chat_template->fingerprint(),
                                      tools.tokenizer->vocab_size()};
  return {std::make_shared<data::PreparedSet>(prepared.folders, fingerprint, job.reading),
          std::move(prepared.reports)};
}

data::LoaderRules loader_rules(const Config& config, const Communicator& communicator,
                               const std::vector<std::int64_t>& corpora) {
  data::LoaderRules rules;
  rules.batch_size = config.train.batch_size;
  rules.batch_tokens = config.train.batch_tokens;
  rules.micro_tokens = *config.train.micro_tokens;
  rules.packing = config.data.packing;
  rules.shuffle = config.data.shuffle;
  rules.seed = static_cast<std::uint64_t>(config.train.seed);
  rules.mix = {.weights = data::mixture_weights(config.data.weights, config.data.train.size()),
               .begins = corpora,
               .all_exhausted = config.data.mixture_stop == "all_exhausted"};
  rules.rank = communicator.rank();
  rules.world_size = communicator.world_size();
  rules.tree = config.dist.deterministic == "tree";
  return rules;
}

}  // namespace hone::launcher
