#include "launcher/options/field.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/json.h"

namespace hone::launcher {
namespace {

constexpr std::size_t kLongestValue = std::size_t{1} << 20;

// What all the checks of one value share.
struct Reader {
  const Field& field;
  const Origin& origin;
  std::string_view text;

  [[noreturn]] void refuse(std::string_view number, std::string_view what, const std::string& why,
                           std::string_view hint = {}) const {
    throw Error(Exit::usage, origin.code(number), what, origin.where, why, hint);
  }
  std::string subject() const {
    constexpr std::size_t kShown = 60;
    const std::string shown(text.substr(0, kShown));
    return field.key() + " = \"" + shown + (text.size() > kShown ? "...\"" : "\"");
  }
  [[noreturn]] void not_a(const char* kind) const {
    const bool comment = origin.file && text.find('#') != std::string_view::npos;
    refuse("005", "value not understood", subject() + " is not " + kind,
           comment ? "a # inside a value belongs to it: a comment stands on a line of its own" : "");
  }

  template <class Number>
  Number number(const char* kind) const {
    Number value{};
    const char* end = text.data() + text.size();
    const auto [stopped, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc() || stopped != end || !std::isfinite(static_cast<double>(value))) not_a(kind);
    const auto wide = static_cast<double>(value);
    if (wide < field.info.min || wide > field.info.max)
      refuse("006", "value out of range", subject() + " is not " + range());
    return value;
  }
  std::string range() const {
    if (std::isinf(field.info.max)) return fmt::format("{} or more", field.info.min);
    return fmt::format("between {} and {}", field.info.min, field.info.max);
  }
  void check_choice() const {
    const auto& choices = field.info.choices;
    if (choices.empty() || std::find(choices.begin(), choices.end(), text) != choices.end()) return;
    refuse("007", "value not known",
           subject() + " is none of " + fmt::format("{}", fmt::join(choices, ", ")));
  }
  bool absent() const { return text.empty() || text == "auto"; }

  void into(bool* out) const {
    if (text != "true" && text != "false") not_a("true or false");
    *out = text == "true";
  }
  void into(std::int64_t* out) const { *out = number<std::int64_t>("a whole number"); }
  void into(double* out) const { *out = number<double>("a number"); }
  void into(std::optional<std::int64_t>* out) const {
    *out = absent() ? std::nullopt : std::optional(number<std::int64_t>("a whole number or auto"));
  }
  void into(std::optional<double>* out) const {
    *out = absent() ? std::nullopt : std::optional(number<double>("a number or auto"));
  }
  void into(std::string* out) const {
    check_choice();
    *out = text;
  }
  void into(std::vector<std::string>* out) const {
    out->clear();
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t comma = rest.find(',');
      const Reader element{field, origin, trimmed(rest.substr(0, comma))};
      if (element.text.empty() || comma + 1 == rest.size()) not_a("a list: it has an empty element");
      element.check_choice();
      out->emplace_back(element.text);
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
  }
};

bool valid_utf8(std::string_view text) {
  try {
    static_cast<void>(Json(std::string(text)).dump());
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

void require_text(const Field& field, std::string_view text, const Origin& origin) {
  const auto refuse = [&](const std::string& why) {
    throw Error(Exit::usage, origin.code("011"), "value is not text", origin.where, field.key() + " " + why);
  };
  if (text.size() > kLongestValue) refuse(fmt::format("has {} bytes, limit {}", text.size(), kLongestValue));
  if (!valid_utf8(text)) refuse("is not valid UTF-8");
  if (text.find('\0') != text.npos) refuse("holds a NUL byte");
  // A config file must be able to hold what a section's key holds.
  const auto control = [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  };
  if (!field.section.empty() && std::any_of(text.begin(), text.end(), control))
    refuse("holds a control character");
}

struct Printer {
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
  std::string operator()(const std::int64_t* value) const { return std::to_string(*value); }
  std::string operator()(const double* value) const { return fmt::format("{}", *value); }
  std::string operator()(const std::string* value) const { return *value; }
  std::string operator()(const std::vector<std::string>* value) const {
    return fmt::format("{}", fmt::join(*value, ","));
  }
  template <class Number>
  std::string operator()(const std::optional<Number>* value) const {
    return *value ? (*this)(&**value) : "auto";
  }
};

struct TypeName {
  std::string operator()(const bool*) const { return "true|false"; }
  std::string operator()(const std::int64_t*) const { return "N"; }
  std::string operator()(const double*) const { return "X"; }
  std::string operator()(const std::string*) const { return "TEXT"; }
  std::string operator()(const std::vector<std::string>*) const { return "A,B,..."; }
  std::string operator()(const std::optional<std::int64_t>*) const { return "auto|N"; }
  std::string operator()(const std::optional<double>*) const { return "auto|X"; }
};

}  // namespace

std::string Field::help() const {
  return info.only.empty() ? info.help : fmt::format("{}: {}", fmt::join(info.only, ", "), info.help);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

void set_field(const Field& field, std::string_view text, const Origin& origin) {
  require_text(field, text, origin);
  const bool verbatim = field.section.empty() && std::holds_alternative<std::string*>(field.value);
  const Reader reader{field, origin, verbatim ? text : trimmed(text)};
  std::visit([&](auto* value) { reader.into(value); }, field.value);
}

std::string text_of(const Field& field) { return std::visit(Printer(), field.value); }

std::string type_text(const Field& field) {
  if (!field.info.choices.empty()) return fmt::format("{}", fmt::join(field.info.choices, "|"));
  return std::visit(TypeName(), field.value);
}

}  // namespace hone::launcher
