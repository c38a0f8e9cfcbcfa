#pragma once
// A field of an options struct with its type erased: what options, help, config files and printing work on.
#include <any>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/error.h"
#include "core/base/fields.h"

namespace hone::launcher {

using FieldValue = std::variant<bool*, std::int64_t*, double*, std::string*, std::vector<std::string>*,
                                std::optional<std::int64_t>*, std::optional<double>*>;

struct Field {
  std::string section;  // empty: an option of one command, a plain --name
  std::string name;
  FieldValue value;  // into the struct it was collected from
  FieldInfo info;
  std::string key() const { return section.empty() ? name : section + "." + name; }
  std::string help() const;  // "sgd: momentum": with the names that it is for
};

template <class Section>
void append_fields(Section& section, std::vector<Field>& out) {
  section.fields([&](const char* name, auto& value, FieldInfo info) {
    out.push_back({Section::kSection, name, &value, std::move(info)});
  });
}

// Where a value came from, for messages: "sft.cfg:12" or "--optim.lr". Codes begin with CF or US.
struct Origin {
  bool file = false;
  std::string where;
  std::string code(std::string_view number) const { return (file ? "CF" : "US") + std::string(number); }
};

// Sets the field from its text, or Error(Exit::usage) naming origin and key: 005 not of the type, 006 out of
// range, 007 not one of the choices, 011 bytes that are no text. Blanks around a value of a section and
// around the elements of a list do not count.
void set_field(const Field& field, std::string_view text, const Origin& origin);

// The text that set_field reads back to the same value.
std::string text_of(const Field& field);

// How help shows the type: N, X, TEXT, true|false, a|b|c, auto|N, LIST.
std::string type_text(const Field& field);

std::string_view trimmed(std::string_view text);

}  // namespace hone::launcher
