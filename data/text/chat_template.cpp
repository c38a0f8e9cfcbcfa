#include "data/text/chat_template.h"

#include <xxhash.h>

#include <algorithm>
#include <optional>

#include "core/base/error.h"
#include "data/text/chat_formats.h"
#include "data/text/template_recognition.h"

namespace hone::data {
namespace {

constexpr int kRevision = 1;  // raise it when a format writes other text or another mask

std::uint64_t fingerprint_of(const std::string& name, const SpecialTexts& tokens) {
  const std::string text = name + '\0' + std::to_string(kRevision) + '\0' + tokens.bos + '\0' + tokens.eos;
  return XXH3_64bits(text.data(), text.size());
}

class NamedTemplate final : public ChatTemplate {
 public:
  NamedTemplate(const ChatFormat& format, SpecialTexts tokens)
      : format_(format),
        name_(format.name),
        tokens_(std::move(tokens)),
        fingerprint_(fingerprint_of(name_, tokens_)) {}
  const std::string& name() const override { return name_; }
  std::uint64_t fingerprint() const override { return fingerprint_; }

  RenderedChat render(const std::vector<Message>& messages, const Tokenizer& tokenizer,
                      bool generation_prompt) const override {
    for (const Message& message : messages)
      if (message.role != "system" && message.role != "user" && message.role != "assistant")
        throw Error(Exit::input, "CT003", "unknown role", "chat message", "\"" + message.role + "\"",
                    "roles are system, user, assistant");
    ChatScript script;
    format_.write(messages, tokens_, generation_prompt, script);
    return std::move(script).tokenize(tokenizer);
  }

 private:
  const ChatFormat& format_;
  std::string name_;
  SpecialTexts tokens_;
  std::uint64_t fingerprint_;
};

class NoTemplate final : public ChatTemplate {
 public:
  const std::string& name() const override { return name_; }
  std::uint64_t fingerprint() const override { return fingerprint_of(name_, {}); }
  RenderedChat render(const std::vector<Message>&, const Tokenizer&, bool) const override {
    throw Error(Exit::usage, "CT004", "chat rows need a template", "--data.template", "it is none",
                "give a template, or rows that are plain text");
  }

 private:
  std::string name_ = "none";
};

std::string names() {
  std::string out;
  for (const ChatFormat& format : chat_formats()) out += std::string(format.name) + ", ";
  return out + "none";
}

std::string name_of(const std::string& source) {
  if (const auto name = recognize_template(source)) return *name;
  throw Error(Exit::usage, "CT002",
              source.empty() ? "the model has no chat template"
                             : "the chat template of the model, or of an adapter of it, is not known",
              "--data.template auto",
              source.empty() ? "neither tokenizer_config.json nor the GGUF file holds one"
                             : "it is none of those that hone renders exactly",
              "name one: " + names());
}

const ChatFormat* find_format(const std::string& name) {
  const auto formats = chat_formats();
  const auto format =
      std::find_if(formats.begin(), formats.end(), [&](const auto& f) { return f.name == name; });
  return format == formats.end() ? nullptr : &*format;
}

}  // namespace

std::string template_to_carry(const std::string& name, const std::string& own) {
  const ChatFormat* format = find_format(name);
  return format == nullptr || recognize_template(own) == name ? std::string() : format->jinja;
}

std::unique_ptr<ChatTemplate> make_chat_template(const std::string& name, const Tokenizer& tokenizer) {
  return make_chat_template(name, tokenizer, tokenizer.chat_template_source());
}

std::unique_ptr<ChatTemplate> make_chat_template(const std::string& name, const Tokenizer& tokenizer,
                                                 const std::string& own) {
  if (name == "none") return std::make_unique<NoTemplate>();
  const std::string wanted = name == "auto" ? name_of(own) : name;
  const ChatFormat* format = find_format(wanted);
  if (format == nullptr)
    throw Error(Exit::usage, "CT001", "unknown chat template", "--data.template", "\"" + name + "\"",
                "known: auto, " + names());
  const auto text = [&](bool needed, std::int32_t id, const char* what) {
    if (!needed) return std::string();
    if (id < 0)
      throw Error(Exit::usage, "CT005", "chat template does not fit the model", "--data.template",
                  wanted + " needs " + what + ", which the tokenizer lacks");
    return tokenizer.token(id);
  };
  return std::make_unique<NamedTemplate>(
      *format, SpecialTexts{text(format->needs_bos, tokenizer.bos_id(), "a begin-of-sequence token"),
                            text(format->needs_eos, tokenizer.eos_id(), "an end-of-sequence token")});
}

}  // namespace hone::data
