#include "launcher/chat.h"

#include <unistd.h>

#include <iostream>
#include <optional>

namespace hone::launcher {
namespace {

std::optional<std::string> next_line(bool terminal) {
  if (terminal) std::fputs("> ", stderr);
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

class Chat {
 public:
  Chat(CommandContext& context, const model::Model& model, const TextTools& tools,
       const TextSettings& settings, ChatOptions options)
      : context_(context),
        model_(model),
        tools_(tools),
        settings_(settings),
        options_(std::move(options)),
        conversation_(model, settings.tokens),
        turns_(options_.opening) {}

  void reset() { turns_ = options_.opening; }

  void turn(const std::string& said) {
    turns_.push_back({"user", said});
    const generate::Prompt prompt{
        index_, tools_.chat_template->render(turns_, *tools_.tokenizer, /*generation_prompt=*/true).ids};
    warn_where_long(prompt);
    TextCollector collector(1, *tools_.tokenizer, settings_,
                            options_.json ? nullptr : TextCollector::Piece([&](auto piece) {
                              context_.out.text(piece);
                              context_.out.flush();
                            }));
    const GeneratedText answer = collector.collect(0, conversation_.answer(prompt, collector.watcher()));
    if (options_.json) {
      context_.out.json({{"index", index_}, {"text", answer.text}, {"ids", answer.ids}});
    } else {
      context_.out.line("");
    }
    context_.out.flush();
    turns_.push_back({"assistant", answer.text});
    ++index_;
  }

 private:
  void warn_where_long(const generate::Prompt& prompt) const {
    const std::int64_t most = model_.config().max_positions;
    const auto needed = static_cast<std::int64_t>(prompt.ids.size()) + settings_.tokens.max_new_tokens;
    if (most > 0 && needed > most)
      context_.log.warning(
          "the conversation may reach {} tokens, the model was made for {}: /reset begins anew", needed,
          most);
  }

  CommandContext& context_;
  const model::Model& model_;
  const TextTools& tools_;
  const TextSettings& settings_;
  const ChatOptions options_;
  generate::Conversation conversation_;
  std::vector<data::Message> turns_;
  std::uint64_t index_ = 0;
};

}  // namespace

void chat(CommandContext& context, const model::Model& model, const TextTools& tools,
          const TextSettings& settings, ChatOptions options) {
  const bool terminal = isatty(STDIN_FILENO) == 1;
  if (terminal) context.log.info("a line is a turn; /reset begins anew, /exit ends");
  Chat chat(context, model, tools, settings, std::move(options));
  while (const std::optional<std::string> line = next_line(terminal)) {
    if (*line == "/exit") break;
    if (*line == "/reset") {
      chat.reset();
    } else if (line->find_first_not_of(" \t") != std::string::npos) {
      chat.turn(*line);
    }
  }
}

}  // namespace hone::launcher
