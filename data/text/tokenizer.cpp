#include "data/text/tokenizer.h"

#include "core/base/file_system.h"
#include "data/text/bpe_tokenizer.h"
#include "data/text/tokenizer_gguf.h"
#include "data/text/tokenizer_json.h"

namespace hone::data {

std::unique_ptr<Tokenizer> load_tokenizer(const std::string& model_path) {
  return std::make_unique<BpeTokenizer>(is_directory(model_path) ? read_tokenizer_folder(model_path)
                                                                 : read_tokenizer_gguf(model_path));
}

}  // namespace hone::data
