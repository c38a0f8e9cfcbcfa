#include "data/source/row_formats.h"

#include <algorithm>
#include <array>

#include "core/base/error.h"

namespace hone::data {
namespace {

constexpr std::array<std::string_view, 3> kRoles{"system", "user", "assistant"};

std::string in_quotes(std::string_view key) { return "\"" + std::string(key.substr(0, 80)) + "\""; }

[[noreturn]] void fail_fit(const Row& row, const std::string& why) {
  throw Error(Exit::input, "DS006", "row does not fit", row.where(), why, "its keys: " + row.key_list());
}

// Escaped lone surrogates pass the JSON parser but are no text.
std::string valid_text(std::string_view text, const Row& row, std::string_view key) {
  if (!simdjson::validate_utf8(text)) fail_fit(row, in_quotes(key) + " holds half of a surrogate pair");
  return std::string(text);
}

std::string message_field(simdjson::dom::object message, std::string_view field, const Row& row,
                          std::string_view key, std::size_t number) {
  std::string_view text;
  if (message.at_key(field).get(text) != simdjson::SUCCESS)
    fail_fit(row, in_quotes(key) + " item " + std::to_string(number) + ": " + in_quotes(field) +
                      " must be a string");
  return valid_text(text, row, key);
}

Message read_message(simdjson::dom::element item, const Row& row, std::string_view key, std::size_t number) {
  simdjson::dom::object object;
  if (item.get(object) != simdjson::SUCCESS)
    fail_fit(row,
             in_quotes(key) + " item " + std::to_string(number) + " must be an object with role and content");
  const auto calls = object.at_key("tool_calls");
  simdjson::dom::array list;
  const bool none = calls.error() != simdjson::SUCCESS || calls.is_null() ||
                    (calls.get(list) == simdjson::SUCCESS && list.size() == 0);
  if (!none)
    fail_fit(row, in_quotes(key) + " item " + std::to_string(number) + ": tool calls are not supported");
  Message message{message_field(object, "role", row, key, number),
                  message_field(object, "content", row, key, number)};
  if (std::find(kRoles.begin(), kRoles.end(), message.role) == kRoles.end())
    throw Error(Exit::input, "DS007", "unknown role", row.where(), in_quotes(message.role),
                "known: system, user, assistant");
  return message;
}

Example read_messages(const Row& row) {
  Example example;
  example.messages = row.messages("messages");
  return example;
}

Example read_prompt_completion(const Row& row) {
  Example example;
  if (row.is_list("prompt") != row.is_list("completion"))
    fail_fit(row, "\"prompt\" and \"completion\" must both be strings or both be lists of messages");
  if (row.is_list("prompt")) {
    example.prompt = row.messages("prompt");
    example.messages = row.messages("completion");
  } else {
    example.kind = RowKind::plain;
    example.prompt_text = row.text("prompt");
    example.completion_text = row.text("completion");
  }
  return example;
}

Example read_alpaca(const Row& row) {
  Example example;
  example.instruction = row.text("instruction");
  example.input = row.text_or_empty("input");
  const std::string question =
      example.input.empty() ? example.instruction : example.instruction + "\n\n" + example.input;
  example.messages = {{"user", question}, {"assistant", row.text("output")}};
  return example;
}

Example read_question_answer(const Row& row) {
  Example example;
  example.messages = {{"user", row.text("question")}, {"assistant", row.text("answer")}};
  return example;
}

Example read_text(const Row& row) {
  Example example;
  example.kind = RowKind::plain;
  example.completion_text = row.text("text");
  return example;
}

bool has_all(const RowFormat& format, const Row& row) {
  return std::all_of(format.keys.begin(), format.keys.end(), [&](const char* key) { return row.has(key); });
}

std::string format_names() {
  std::string names;
  for (const RowFormat& format : row_formats()) names.append(names.empty() ? "" : ", ").append(format.name);
  return names;
}

}  // namespace

std::string Row::text(std::string_view key) const {
  std::string_view text;
  const auto found = object_.at_key(key);
  if (found.error() != simdjson::SUCCESS) fail_fit(*this, in_quotes(key) + " is missing");
  if (found.get(text) != simdjson::SUCCESS) fail_fit(*this, in_quotes(key) + " must be a string");
  return valid_text(text, *this, key);
}

std::string Row::text_or_empty(std::string_view key) const {
  return has(key) && !object_.at_key(key).is_null() ? text(key) : std::string();
}

std::vector<Message> Row::messages(std::string_view key) const {
  simdjson::dom::array items;
  const auto found = object_.at_key(key);
  if (found.error() != simdjson::SUCCESS) fail_fit(*this, in_quotes(key) + " is missing");
  if (found.get(items) != simdjson::SUCCESS) fail_fit(*this, in_quotes(key) + " must be a list of messages");
  std::vector<Message> messages;
  for (const auto item : items) messages.push_back(read_message(item, *this, key, messages.size() + 1));
  if (messages.empty()) fail_fit(*this, in_quotes(key) + " is an empty list");
  return messages;
}

std::string Row::key_list() const {
  std::string list;
  for (const auto field : object_) {
    if (list.size() > 200) return list + ", ...";
    list.append(list.empty() ? "" : ", ").append(field.key.substr(0, 80));
  }
  return list.empty() ? "none" : list;
}

// The first one whose keys the row has is taken under data.format = auto.
const std::vector<RowFormat>& row_formats() {
  static const std::vector<RowFormat> formats{
      {"messages", {"messages"}, {}, read_messages},
      {"prompt_completion", {"prompt", "completion"}, {}, read_prompt_completion},
      {"alpaca", {"instruction", "output"}, {}, read_alpaca},
      {"qa", {"question", "answer"}, {}, read_question_answer},
      {"text", {"text"}, {"label"}, read_text},
  };
  return formats;
}

const RowFormat& choose_row_format(const std::string& name, const Row& first) {
  for (const RowFormat& format : row_formats()) {
    const bool other_task = std::any_of(format.absent.begin(), format.absent.end(),
                                        [&](const char* key) { return first.has(key); });
    if (name == "auto" ? has_all(format, first) && !other_task : name == format.name) return format;
  }
  if (name != "auto")
    throw Error(Exit::usage, "US010", "unknown name", "data.format", in_quotes(name),
                "known: auto, " + format_names());
  throw Error(Exit::input, "DS005", "row format not recognised", first.where(), "keys: " + first.key_list(),
              "known: " + format_names() + "; see data.format");
}

Example read_row(const RowFormat& format, const Row& row) {
  if (!has_all(format, row)) {
    std::string keys;
    for (const char* key : format.keys) keys.append(keys.empty() ? "" : ", ").append(key);
    const auto& known = row_formats();
    const auto other = std::ranges::find_if(known, [&](const RowFormat& f) { return has_all(f, row); });
    const std::string also = other == known.end()
                                 ? std::string()
                                 : ", the row is " + std::string(other->name) +
                                       " (one input has one format; data.weights makes each file an input)";
    fail_fit(row, "format " + std::string(format.name) + " needs " + keys + also);
  }
  return format.read(row);
}

}  // namespace hone::data
