#pragma once
// What [model], [adapter] and data.new_tokens name, opened and put together, before a model is built from it.
#include <memory>
#include <string>
#include <vector>

#include "core/formats/peft.h"
#include "core/formats/tensor_source.h"
#include "data/text/tokenizer.h"
#include "launcher/run_options.h"

namespace hone::launcher {

enum class Purpose { train, infer };

// For what is asked of a model that is there: a run from scratch leaves model.init random in its config.cfg.
void use_stored_weights(Config& config);

struct ModelInput {
  std::vector<std::unique_ptr<formats::PeftAdapter>> frozen;  // model.adapters, in order
  std::unique_ptr<formats::PeftAdapter> init;                 // adapter.init, for training
  formats::ModelFiles
      files;  // with the modules and rows that adapters hold, rows for new tokens, a head of its own
              // where modules_to_save parts it from the embedding
};

// model.path with its weights, or where model.init is random with start values (US075 where the weights are needed:
// NF4 and adapters stand on trained ones).
formats::ModelFiles open_base(const Config& config);

// The config's adapter settings become those of adapter.init where it is given.
ModelInput open_model_input(Config& config, Purpose purpose);
// The same on other files in place of open_base's: a plan needs no weights.
ModelInput open_model_input(Config& config, Purpose purpose, formats::ModelFiles base);
// open_base, or where model.path is a folder that has no weights, its tensors' names and shapes.
formats::ModelFiles open_shapes(const Config& config);

// Where the tokenizer is: beside the last adapter that holds the embedding or rows of it, as far as it is there (TK020
// where it is not and the embedding has more rows than the model's); else model.path.
std::string tokenizer_source(const Config& config);

// The chat template (Jinja) that goes with what is read: beside the last adapter that has one, else the tokenizer's own.
std::string chat_template_source(const Config& config, const data::Tokenizer& tokenizer);
// For what is written, as export_tokenizer takes it: data.template, or the adapters' where that is `auto`.
std::string chat_template_to_write(const Config& config);

// Does an adapter of model.adapters hold modules whole or rows of them, so that the model without it is not there any more?
bool replaces_modules(const Config& config);

// Rows of the embedding before data.new_tokens: the model's, or more where an adapter holds them.
std::int64_t vocabulary_rows(const Config& config);

}  // namespace hone::launcher
