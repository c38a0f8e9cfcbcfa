#include "launcher/options/option_table.h"

#include <fmt/format.h>

#include <cmath>

namespace hone::launcher {
namespace {

std::string range_text(const FieldInfo& info) {
  if (std::isfinite(info.min) && std::isfinite(info.max)) return fmt::format("{} to {}", info.min, info.max);
  if (std::isfinite(info.min)) return fmt::format("{} or more", info.min);
  return {};
}

}  // namespace

OptionTable::OptionTable(const Command& command)
    : fields_(fields_of(defaults_)), sections_(command.sections), extra_(command.options()) {}

std::vector<Field> OptionTable::section(const std::string& name) const {
  std::vector<Field> found;
  for (const Field& field : fields_)
    if (field.section == name || field.key() == name) found.push_back(field);
  return found;
}

std::vector<Field> OptionTable::all() const {
  std::vector<Field> fields = own();
  for (const std::string& name : sections_) {
    const std::vector<Field> more = section(name);
    fields.insert(fields.end(), more.begin(), more.end());
  }
  return fields;
}

std::string section_heading(const std::string& name) { return "[" + name.substr(0, name.find('.')) + "]"; }

std::vector<std::string> values_of(const Field& field) {
  if (std::holds_alternative<bool*>(field.value)) return {"true", "false"};
  return field.info.choices;
}

std::string limits_of(const Field& field) {
  const std::string range = range_text(field.info), unit = field.info.unit;
  return range.empty() || unit.empty() ? range + unit : range + " " + unit;
}

std::string facts_of(const Field& field) {
  const std::string value = text_of(field), limits = limits_of(field);
  const std::string facts = value.empty() ? "no default" : "default " + value;
  return limits.empty() ? facts : facts + "; " + limits;
}

}  // namespace hone::launcher
