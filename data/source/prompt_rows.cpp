#include "data/source/prompt_rows.h"

#include "core/base/file_system.h"
#include "data/source/row_formats.h"

namespace hone::data {

std::vector<PromptRow> read_prompt_rows(const std::string& path) {
  const MappedFile file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  LineReader lines(path, without_bom(text));
  LineParser parser;
  std::vector<PromptRow> rows;
  while (const std::optional<Line> line = lines.next()) {
    const Row row(parser.parse(*line, path), file_line(path, line->number));
    PromptRow& prompt = rows.emplace_back();
    if (row.has("messages")) {
      prompt.messages = row.messages("messages");
    } else if (row.has("prompt") && row.is_list("prompt")) {
      prompt.messages = row.messages("prompt");
    } else {
      prompt.prompt = row.text("prompt");
    }
  }
  return rows;
}

}  // namespace hone::data
