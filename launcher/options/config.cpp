#include "launcher/options/config.h"

#include <xxhash.h>

namespace hone::launcher {

std::vector<Field> fields_of(Config& config) {
  std::vector<Field> fields;
  config.sections([&](auto& section) { append_fields(section, fields); });
  return fields;
}

std::string print_config(const Config& config) {
  Config copy = config;
  std::string out, section;
  for (const Field& field : fields_of(copy)) {
    if (field.section != section) {
      section = field.section;
      out += (out.empty() ? "[" : "\n[") + section + "]\n";
    }
    const std::string value = text_of(field);
    out += field.name + (value.empty() ? " =" : " = ") + value + "\n";
  }
  return out;
}

FlatConfig flatten(const Config& config) {
  Config copy = config;
  FlatConfig flat;
  for (const Field& field : fields_of(copy)) flat[field.key()] = text_of(field);
  return flat;
}

std::uint64_t config_digest(const Config& config) {
  const std::string text = print_config(config);
  return XXH3_64bits(text.data(), text.size());
}

std::set<std::string> keys_that_may_change_on_resume() {
  Config config;
  std::set<std::string> keys;
  for (const Field& field : fields_of(config))
    if (field.info.may_change_on_resume) keys.insert(field.key());
  return keys;
}

}  // namespace hone::launcher
