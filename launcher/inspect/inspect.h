#pragma once
// What is in a model, a text, chat rows, prepared data or a checkpoint: JSON lines, no weights loaded.
#include <string>
#include <vector>

#include "core/base/text_output.h"

namespace hone::launcher {

void inspect_model(const std::string& model_path, TextOutput& out);
// A line ends at LF alone, an empty line counts, a final LF starts no new one.
void inspect_tokens(const std::string& model_path, const std::string& input, bool special, TextOutput& out,
                    const std::vector<std::string>& new_tokens = {});
void inspect_chat(const std::string& model_path, const std::string& chat_template, const std::string& input,
                  TextOutput& out, const std::vector<std::string>& new_tokens = {});
void inspect_data(const std::string& folder, TextOutput& out);        // reads everything, digests included
void inspect_checkpoint(const std::string& folder, TextOutput& out);  // exit 4 where a byte is wrong

}  // namespace hone::launcher
