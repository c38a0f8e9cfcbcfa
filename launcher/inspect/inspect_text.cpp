#include <string_view>

#include "core/base/file_system.h"
#include "data/source/jsonl_source.h"
#include "data/text/chat_template.h"
#include "data/text/tokenizer.h"
#include "launcher/inspect/inspect.h"

namespace hone::launcher {

void inspect_tokens(const std::string& model_path, const std::string& input, bool special, TextOutput& out,
                    const std::vector<std::string>& new_tokens) {
  const auto tokenizer = data::load_tokenizer(model_path, new_tokens);
  const MappedFile file(input);
  std::string_view rest(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const auto ids = tokenizer->encode(rest.substr(0, end), special);
    OrderedJson tokens = OrderedJson::array();
    for (const std::int32_t id : ids) tokens.push_back(tokenizer->token(id));
    out.json({{"ids", ids}, {"tokens", std::move(tokens)}});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

void inspect_chat(const std::string& model_path, const std::string& chat_template, const std::string& input,
                  TextOutput& out, const std::vector<std::string>& new_tokens) {
  const auto tokenizer = data::load_tokenizer(model_path, new_tokens);
  const auto chat = data::make_chat_template(chat_template, *tokenizer);
  const data::JsonlSource source({input});
  const data::RowFormat& format = source.format("messages");
  for (const data::RowRange& range : source.ranges()) {
    data::ExampleReader reader = source.read(range, format);
    while (const auto example = reader.next()) {
      const data::RenderedChat row = chat->render(example->messages, *tokenizer, false);
      out.json({{"text", row.text}, {"ids", row.ids}, {"supervised", row.supervised}});
    }
  }
}

}  // namespace hone::launcher
