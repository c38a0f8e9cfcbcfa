#pragma once
// From [data] to batches.
#include <memory>
#include <string>
#include <vector>

#include "core/ports/batch_source.h"
#include "data/load/loader.h"
#include "data/load/prepared_set.h"
#include "data/shard/prepare.h"
#include "data/text/chat_template.h"
#include "data/text/tokenizer.h"
#include "launcher/run_options.h"

namespace hone::launcher {

struct TextTools {
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::unique_ptr<data::ChatTemplate> chat_template;
};

// Resolves data.template = auto in the config.
TextTools make_text_tools(Config& config);

data::PrepareJob prepare_job(const std::vector<std::string>& inputs, const Config& config,
                             const TextTools& tools);

struct PreparedRows {
  std::shared_ptr<data::PreparedSet> set;
  std::vector<data::PrepareReport> reports;  // of what was prepared just now
};

// `inputs` is data.train or data.eval. All ranks. `apart`: each input is a folder of the set, as mixing needs.
PreparedRows open_rows(const std::vector<std::string>& inputs, const Config& config, const TextTools& tools,
                       const std::string& cache_root, Communicator& communicator, bool apart = false);

// Where prepared copies of raw files are kept: beside the run's folder.
std::string cache_root_of(const std::string& run_dir);

// `corpora`: with data.weights, the first sample of each input and the end.
data::LoaderRules loader_rules(const Config& config, const Communicator& communicator,
                               const std::vector<std::int64_t>& corpora = {});

}  // namespace hone::launcher
