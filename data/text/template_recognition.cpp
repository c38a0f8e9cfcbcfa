#include "data/text/template_recognition.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "data/text/chat_formats.h"

namespace hone::data {
namespace {

constexpr std::size_t kMaxTemplate = 64 * 1024;

enum class PartKind { text, output, statement };

struct Part {
  PartKind kind = PartKind::text;
  std::string_view body;
};

// Jinja's own white-space rules with trim_blocks and lstrip_blocks on, as Hugging Face sets them.
class PartReader {
 public:
  explicit PartReader(std::string_view text) : text_(text) {
    if (text_.ends_with('\n')) text_.remove_suffix(1);
  }

  std::vector<Part> read() {
    while (at_ < text_.size()) {
      const std::size_t tag = next_tag();
      std::string_view between = text_.substr(at_, tag - at_);
      if (tag == text_.size()) {
        keep_text(between);
        break;
      }
      const char kind = text_[tag + 1];
      const char mark = tag + 2 < text_.size() ? text_[tag + 2] : '\0';
      if (mark == '-')
        strip_end(between);
      else if (kind != '{' && mark != '+' && begins_its_line(tag))
        strip_blanks(between);
      keep_text(between);
      read_tag(tag, kind);
    }
    return std::move(parts_);
  }

 private:
  std::size_t next_tag() const {
    for (std::size_t i = at_; i + 1 < text_.size(); ++i)
      if (text_[i] == '{' && (text_[i + 1] == '{' || text_[i + 1] == '%' || text_[i + 1] == '#')) return i;
    return text_.size();
  }

  void read_tag(std::size_t tag, char kind) {
    const char close = kind == '{' ? '}' : kind;
    std::size_t end = tag + 2;
    char quote = '\0';
    for (; end + 1 < text_.size(); ++end) {
      const char c = text_[end];
      if (quote != '\0') {
        if (c == '\\') ++end;
        if (c == quote) quote = '\0';
      } else if (kind != '#' && (c == '\'' || c == '"')) {
        quote = c;
      } else if (c == close && text_[end + 1] == '}') {
        break;
      }
    }
    std::string_view body = text_.substr(tag + 2, end - tag - 2);
    at_ = std::min(end + 2, text_.size());
    const bool trim = body.ends_with('-');
    if (trim) body.remove_suffix(1);
    if (body.starts_with('-') || body.starts_with('+')) body.remove_prefix(1);
    if (trim)
      while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    else if (kind != '{' && at_ < text_.size() && text_[at_] == '\n')
      ++at_;
    if (kind != '#') parts_.push_back({kind == '{' ? PartKind::output : PartKind::statement, body});
  }

  void keep_text(std::string_view text) {
    if (!text.empty()) parts_.push_back({PartKind::text, text});
  }

  static void strip_end(std::string_view& text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  }

  static void strip_blanks(std::string_view& text) {
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  }

  bool begins_its_line(std::size_t tag) const {
    while (tag > 0 && (text_[tag - 1] == ' ' || text_[tag - 1] == '\t')) --tag;
    return tag == 0 || text_[tag - 1] == '\n';
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Part> parts_;
};

struct Token {
  bool literal = false;
  std::string text;
};

std::string read_literal(std::string_view body, std::size_t& at) {
  const char quote = body[at++];
  std::string out;
  for (; at < body.size() && body[at] != quote; ++at) {
    if (body[at] != '\\' || at + 1 >= body.size()) {
      out.push_back(body[at]);
      continue;
    }
    const char escaped = body[++at];
    out.push_back(escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped == 'r' ? '\r' : escaped);
  }
  ++at;
  return out;
}

std::vector<Token> read_tokens(std::string_view body) {
  const auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  std::vector<Token> out;
  for (std::size_t at = 0; at < body.size();) {
    if (std::isspace(static_cast<unsigned char>(body[at]))) {
      ++at;
    } else if (body[at] == '\'' || body[at] == '"') {
      out.push_back({true, read_literal(body, at)});
    } else if (word(body[at])) {
      const std::size_t begin = at;
      while (at < body.size() && word(body[at])) ++at;
      const bool member = out.size() > 1 && !out.back().literal && out.back().text == ".";
      const std::string name(body.substr(begin, at - begin));
      if (member) {  // a.b is a['b']
        out.back().text = std::string(1, '[');
        out.push_back({true, name});
        out.push_back({false, "]"});
      } else {
        out.push_back({false, name});
      }
    } else {
      const bool two = at + 1 < body.size() && body[at + 1] == '=' && (body[at] == '=' || body[at] == '!');
      out.push_back({false, std::string(body.substr(at, two ? 2 : 1))});
      at += two ? 2 : 1;
    }
  }
  return out;
}

std::string join(const std::vector<Token>& tokens) {
  std::string out;
  for (const Token& token : tokens) {
    if (!out.empty()) out += ' ';
    if (token.literal)
      out.append("\"").append(token.text).append("\"");
    else
      out += token.text;
  }
  return out;
}

// An output is what it concatenates: literals become text, the rest stays an expression.
void append_output(const std::vector<Token>& tokens, std::string& out) {
  int depth = 0;
  std::vector<Token> part;
  const auto flush = [&] {
    if (part.size() == 1 && part.front().literal)
      out += part.front().text;
    else if (!part.empty())
      out.append("\x01").append(join(part)).append("\x02");
    part.clear();
  };
  for (const Token& token : tokens) {
    if (!token.literal && (token.text == "(" || token.text == "[")) ++depth;
    if (!token.literal && (token.text == ")" || token.text == "]")) --depth;
    if (!token.literal && depth == 0 && (token.text == "+" || token.text == "~"))
      flush();
    else
      part.push_back(token);
  }
  flush();
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

}  // namespace

std::string canonical_template(std::string_view jinja) {
  std::string out;
  for (const Part& part : PartReader(jinja).read()) {
    if (part.kind == PartKind::text) {
      out += part.body;
      continue;
    }
    const std::vector<Token> tokens = read_tokens(part.body);
    if (part.kind == PartKind::output)
      append_output(tokens, out);
    else if (const std::string statement = join(tokens);
             statement != "generation" && statement != "endgeneration")
      out.append("\x03").append(statement).append("\x04");
  }
  replace_all(out, "loop [ \"index0\" ] == 0", "loop [ \"first\" ]");
  for (const char* test : {"not add_generation_prompt is defined", "add_generation_prompt is not defined"})
    replace_all(out,
                std::string("\x03if ") + test +
                    "\x04\x03set add_generation_prompt = false\x04\x03"
                    "endif\x04",
                "");
  replace_all(out,
              "\x03set loop_messages = messages\x04\x03"
              "for message in loop_messages\x04",
              "\x03"
              "for message in messages\x04");
  return out;
}

std::optional<std::string> recognize_template(std::string_view jinja) {
  if (jinja.empty() || jinja.size() > kMaxTemplate) return std::nullopt;
  const std::string wanted = canonical_template(jinja);
  for (const ChatFormat& format : chat_formats())
    if (canonical_template(format.jinja) == wanted) return format.name;
  return std::nullopt;
}

}  // namespace hone::data
