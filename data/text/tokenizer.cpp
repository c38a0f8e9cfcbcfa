#include "data/text/tokenizer.h"

#include "core/base/file_system.h"
#include "data/text/bpe_tokenizer.h"
#include "data/text/tokenizer_gguf.h"
#include "data/text/tokenizer_json.h"

namespace hone::data {

std::unique_ptr<Tokenizer> load_tokenizer(const std::string& model_path,
                                          const std::vector<std::string>& new_tokens) {
  TokenizerSpec spec =
      is_directory(model_path) ? read_tokenizer_folder(model_path) : read_tokenizer_gguf(model_path);
  add_special_tokens(spec, new_tokens);
  return std::make_unique<BpeTokenizer>(std::move(spec));
}

}  // namespace hone::data
