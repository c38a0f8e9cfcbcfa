#pragma once
// What a command is: the entries of the table in launcher/commands.cpp.
#include <any>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/options/field.h"

namespace hone::launcher {

struct CommandContext;

// The options struct of one command (kSection = "", plain --name options), owned, with its fields.
class ExtraOptions {
 public:
  template <class Options>
  static ExtraOptions of() {
    ExtraOptions extra;
    auto owned = std::make_shared<Options>();
    append_fields(*owned, extra.fields_);
    extra.owner_ = std::move(owned);
    return extra;
  }
  static ExtraOptions none() { return {}; }
  const std::vector<Field>& fields() const { return fields_; }
  template <class Options>
  const Options& get() const {
    const auto* owned = std::any_cast<std::shared_ptr<Options>>(&owner_);
    HONE_CHECK(owned != nullptr);
    return **owned;
  }

 private:
  std::any owner_;
  std::vector<Field> fields_;
};

struct Command {
  std::string name;
  std::string line;            // what it does, in one line
  std::string arguments = {};  // "WHAT [DIR]", "DIR...": words; [optional], ... any number more
  std::vector<std::string> sections =
      {};  // or single keys: those its help shows; every command takes every key
  std::vector<std::string> examples = {};
  ExtraOptions (*options)() = ExtraOptions::none;
  int (*run)(CommandContext& context) = nullptr;
};

// The command of that name, or Error(Exit::usage, "US002") with the nearest one.
const Command& find_command(const std::vector<Command>& table, const std::string& name);

}  // namespace hone::launcher
