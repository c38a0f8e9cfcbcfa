// hone generate: continuations of prompts from the command line or a file, dealt to ranks.
#include <c10/core/InferenceMode.h>

#include "core/base/error.h"
#include "core/generate/generator.h"
#include "data/source/prompt_rows.h"
#include "dist/launch_check.h"
#include "launcher/answers.h"
#include "launcher/build_data.h"
#include "launcher/build_model.h"
#include "launcher/commands.h"
#include "launcher/options/command_options.h"
#include "launcher/runtime.h"

namespace hone::launcher {
namespace {

std::vector<data::PromptRow> read_rows(const CommandContext& context, const GenerateOptions& options) {
  if (options.prompt.empty() == options.input.empty())
    throw Error(Exit::usage, "US023", "nothing to answer", "--prompt, --input", "give exactly one of them");
  if (options.input.empty()) return {{options.prompt, {}}};
  return data::read_prompt_rows(options.input);
}

std::vector<std::int32_t> encode(const data::PromptRow& row, bool chat, const TextTools& tools) {
  if (!row.messages.empty() || chat) {
    const auto turns = row.messages.empty() ? std::vector<data::Message>{{"user", row.prompt}} : row.messages;
    return tools.chat_template->render(turns, *tools.tokenizer, /*generation_prompt=*/true).ids;
  }
  return tools.tokenizer->encode(row.prompt, true);
}

}  // namespace

int run_generate(CommandContext& context) {
  const c10::InferenceMode inference;
  const GenerateOptions& options = context.options<GenerateOptions>();
  const std::vector<data::PromptRow> rows = read_rows(context, options);
  Runtime runtime = make_runtime(context);
  Communicator& communicator = *runtime.communicator;
  const TextTools tools = make_text_tools(context.config());
  const model::Model model = build_model(context.config(), Purpose::infer);

  std::vector<generate::Prompt> own;
  for (std::size_t p = communicator.rank(); p < rows.size(); p += communicator.world_size()) {
    own.push_back({p, encode(rows[p], options.chat, tools)});
    if (own.back().ids.empty())
      throw Error(Exit::input, "DS018", "empty prompt", "row " + std::to_string(p), "no tokens to continue");
  }
  generate::GenerateSettings settings;
  settings.sampler = {options.temperature, options.top_k, options.top_p, static_cast<std::uint64_t>(options.seed)};
  settings.max_new_tokens = options.max_new_tokens;
  settings.end_ids = end_ids(model, *tools.tokenizer);
  const std::vector<generate::Answer> answers = generate::generate(model, own, settings);

  Json share = Json::array();
  for (const generate::Answer& answer : answers) share.push_back(answer);
  const std::vector<std::string> shares = dist::gather_strings(communicator, share.dump());
  std::vector<Json> by_rank;
  for (const std::string& text : shares) by_rank.push_back(Json::parse(text));
  for (std::size_t p = 0; p < rows.size(); ++p) {
    const auto ids = by_rank[p % shares.size()][p / shares.size()].get<std::vector<std::int32_t>>();
    const std::string text = tools.tokenizer->decode(ids, /*skip_special=*/true);
    if (options.json) {
      context.out.json({{"index", p}, {"text", text}, {"ids", ids}});
    } else {
      context.out.line(text);
    }
  }
  return 0;
}

}  // namespace hone::launcher
