// hone generate: continuations of prompts from the command line or a file, dealt to ranks, or a conversation.
#include <c10/core/InferenceMode.h>

#include "core/base/error.h"
#include "data/source/prompt_rows.h"
#include "launcher/build_data.h"
#include "launcher/build_model.h"
#include "launcher/chat.h"
#include "launcher/commands.h"
#include "launcher/generation.h"
#include "launcher/model_input.h"
#include "launcher/options/command_options.h"
#include "launcher/runtime.h"

namespace hone::launcher {
namespace {

bool is_conversation(const GenerateOptions& options) {
  return options.chat && options.prompt.empty() && options.input.empty();
}

// The turns before the first of the user.
std::vector<data::Message> opening_turns(const GenerateOptions& options) {
  if (options.system.empty()) return {};
  if (!options.chat)
    throw Error(Exit::usage, "US056", "no system turn without a chat", "--system", "--chat is false",
                "add --chat true");
  return {{"system", options.system}};
}

std::vector<data::PromptRow> read_rows(const GenerateOptions& options) {
  if (is_conversation(options)) return {};
  if (options.prompt.empty() == options.input.empty())
    throw Error(Exit::usage, "US023", "nothing to answer", "--prompt, --input",
                "give exactly one of them, or --chat true alone for a conversation");
  if (options.input.empty()) return {{options.prompt, {}}};
  return data::read_prompt_rows(options.input);
}

std::vector<std::int32_t> encode(const data::PromptRow& row, bool chat,
                                 const std::vector<data::Message>& opening, const TextTools& tools) {
  if (!row.messages.empty() || chat) {
    std::vector<data::Message> turns = row.messages;
    if (turns.empty()) turns.push_back({"user", row.prompt});
    if (turns.front().role != "system") turns.insert(turns.begin(), opening.begin(), opening.end());
    return tools.chat_template->render(turns, *tools.tokenizer, /*generation_prompt=*/true).ids;
  }
  return tools.tokenizer->encode_prompt(row.prompt);
}

// \n, \t and \\ as in C; the list itself is separated by commas.
std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    const std::size_t which = std::string_view("nt\\").find(next);
    if (next == '\0' || which == std::string_view::npos) {
      out += text[i];
      continue;
    }
    out += "\n\t\\"[which];
    ++i;
  }
  return out;
}

TextSettings text_settings(const GenerateOptions& options, const model::Model& model,
                           const TextTools& tools) {
  TextSettings settings;
  settings.tokens.sampler = {.temperature = options.temperature,
                             .top_k = options.top_k,
                             .top_p = options.top_p,
                             .min_p = options.min_p,
                             .repetition_penalty = options.repetition_penalty,
                             .seed = static_cast<std::uint64_t>(options.seed)};
  settings.tokens.max_new_tokens = options.max_new_tokens;
  settings.tokens.end_ids = end_ids(model, *tools.tokenizer);
  for (const std::string& stop : options.stop) settings.stops.push_back(unescaped(stop));
  return settings;
}

void print(TextOutput& out, std::size_t index, const GeneratedText& answer, bool json) {
  if (json) {
    out.json({{"index", index}, {"text", answer.text}, {"ids", answer.ids}});
  } else {
    out.line(answer.text);
  }
}

}  // namespace

int run_generate(CommandContext& context) {
  const c10::InferenceMode inference;
  const GenerateOptions& options = context.options<GenerateOptions>();
  const std::vector<data::Message> opening = opening_turns(options);
  const std::vector<data::PromptRow> rows = read_rows(options);
  if (is_conversation(options) && context.session.world_size() > 1)
    throw Error(Exit::usage, "US051", "a conversation has one process", "--chat",
                "started on " + std::to_string(context.session.world_size()) + " ranks",
                "start it without mpirun, or give --prompt or --input");
  use_stored_weights(context.config());
  Runtime runtime = make_runtime(context);
  const TextTools tools = make_text_tools(context.config());
  const model::Model model = build_model(context.config(), Purpose::infer);
  const TextSettings settings = text_settings(options, model, tools);
  if (is_conversation(options)) {
    chat(context, model, tools, settings, {opening, options.json});
    return 0;
  }
  GenerationJob job{rows.size(), [&](std::size_t p) { return encode(rows[p], options.chat, opening, tools); },
                    settings};
  const bool streaming = rows.size() == 1 && !options.json;  // one answer appears as it is made
  if (streaming)
    job.piece = [&](std::string_view piece) {
      context.out.text(piece);
      context.out.flush();
    };
  const std::vector<GeneratedText> answers =
      generate_texts(job, model, *tools.tokenizer, *runtime.communicator);
  if (streaming) {
    context.out.line("");
    return 0;
  }
  for (std::size_t p = 0; p < answers.size(); ++p) print(context.out, p, answers[p], options.json);
  return 0;
}

}  // namespace hone::launcher
