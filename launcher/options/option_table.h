#pragma once
// The options that a command's help, manual page and completions show: with their defaults, in one order.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/options/command.h"
#include "launcher/options/config.h"

namespace hone::launcher {

// Options of every command that are no fields.
struct GeneralOption {
  std::string_view name;
  std::string_view value;  // empty: a flag
  std::string_view help;
};
inline constexpr GeneralOption kConfigOption{"config", "FILE.cfg",
                                             "read a config file; may be given several times"};
inline constexpr GeneralOption kPrintConfigOption{"print-config", "",
                                                  "print the effective config as a .cfg file and stop"};
inline constexpr GeneralOption kHelpOption{"help", "", "print this and stop"};
inline constexpr GeneralOption kGeneralOptions[] = {kConfigOption, kPrintConfigOption, kHelpOption};

class OptionTable {
 public:
  explicit OptionTable(const Command& command);
  OptionTable(const OptionTable&) = delete;  // fields point into it
  OptionTable& operator=(const OptionTable&) = delete;

  const std::vector<Field>& own() const { return extra_.fields(); }  // plain --name
  std::vector<Field> section(const std::string& name) const;         // of a section, or a single section.key
  const std::vector<std::string>& sections() const { return sections_; }
  std::vector<Field> all() const;  // own, then section by section

 private:
  Config defaults_;
  std::vector<Field> fields_;
  std::vector<std::string> sections_;
  ExtraOptions extra_;
};

std::string section_heading(const std::string& name);  // of a section or a single key: "[train]"

// Values to choose from: the choices, true and false; none where the value is free.
std::vector<std::string> values_of(const Field& field);

std::string limits_of(const Field& field);  // range and unit: "1 to 65536 steps"; may be empty
std::string facts_of(const Field& field);   // with the default before: "default 16; 1 to 65536 steps"

}  // namespace hone::launcher
