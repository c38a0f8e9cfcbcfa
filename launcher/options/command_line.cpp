#include "launcher/options/command_line.h"

#include <algorithm>
#include <boost/program_options/cmdline.hpp>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>

#include "core/base/string_distance.h"
#include "launcher/options/config_file.h"
#include "launcher/options/foreign_names.h"
#include "launcher/options/option_table.h"

namespace hone::launcher {
namespace {

namespace po = boost::program_options;

class FieldTable {
 public:
  explicit FieldTable(CommandLine& line) : line_(line), fields_(fields_of(line.config)) {
    sections_ = static_cast<std::ptrdiff_t>(fields_.size());
    fields_.insert(fields_.end(), line.extra.fields().begin(), line.extra.fields().end());
  }

  po::options_description description() const {
    po::options_description out;
    for (const GeneralOption& option : kGeneralOptions) {
      if (option.value.empty())
        out.add_options()(option.name.data(), "");
      else
        out.add_options()(option.name.data(), po::value<std::string>());
    }
    for (const Field& field : fields_) out.add_options()(field.key().c_str(), po::value<std::string>());
    return out;
  }

  bool is_boolean(const std::string& name) const {
    return std::any_of(fields_.begin(), fields_.end(), [&](const Field& field) {
      return field.key() == name && std::holds_alternative<bool*>(field.value);
    });
  }

  void set_from_file(const ConfigLine& line) {
    const Origin origin{true, line.where};
    const auto end = fields_.begin() + sections_;  // a file holds no options of a command
    const auto found =
        std::find_if(fields_.begin(), end, [&](const Field& f) { return f.key() == line.key; });
    if (found == end) unknown_key(line);
    set(*found, line.value, origin);
  }

  void set_from_option(const std::string& name, const std::string& text) {
    const auto found =
        std::find_if(fields_.begin(), fields_.end(), [&](const Field& f) { return f.key() == name; });
    set(*found, text, {false, "--" + name});
  }

  [[noreturn]] void unknown_option(const std::string& word) const {
    std::vector<std::string> known;
    for (const GeneralOption& option : kGeneralOptions) known.emplace_back(option.name);
    for (const Field& field : fields_) known.push_back(field.key());
    const std::string name = word.substr(2, word.find('=') - 2);
    std::string hint = foreign_name_hint(name);
    if (hint.empty()) {
      const std::string near = nearest_name(name, known);
      hint = near.empty() ? "--help lists the options" : "did you mean --" + near + "?";
    }
    throw Error(Exit::usage, "US003", "unknown option", "--" + name.substr(0, 80), "", hint);
  }

 private:
  void set(const Field& field, const std::string& text, const Origin& origin) {
    set_field(field, text, origin);
    line_.given[field.key()] = origin.where;
  }

  [[noreturn]] void unknown_key(const ConfigLine& line) const {
    const std::string section = line.key.substr(0, line.key.find('.'));
    std::vector<std::string> keys, sections;
    for (auto field = fields_.begin(); field != fields_.begin() + sections_; ++field) {
      keys.push_back(field->key());
      sections.push_back(field->section);
    }
    const bool known_section = std::find(sections.begin(), sections.end(), section) != sections.end();
    std::string hint = foreign_name_hint(line.key);
    if (hint.empty()) {
      const std::string near = known_section ? nearest_name(line.key, keys) : nearest_name(section, sections);
      if (!near.empty()) hint = "did you mean " + (known_section ? near : "[" + near + "]") + "?";
    }
    throw Error(Exit::usage, known_section ? "CF003" : "CF002",
                known_section ? "unknown key" : "unknown section", line.where,
                known_section ? line.key : "[" + section + "]", hint);
  }

  CommandLine& line_;
  std::vector<Field> fields_;
  std::ptrdiff_t sections_ = 0;
};

bool is_value(std::span<const std::string> words, std::size_t i) {
  return i > 0 && words[i - 1].starts_with("--") && words[i - 1].find('=') == std::string::npos;
}

// Boost refuses "--key="; an empty value is a value. "--key" alone is "--key true" where it is true or false.
std::vector<std::string> with_implied_values(const FieldTable& table, std::span<const std::string> words) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "-h" && !is_value(words, i)) {
      out.emplace_back("--help");
      continue;
    }
    const bool empty_value = word.starts_with("--") && word.find('=') == word.size() - 1;
    out.push_back(empty_value ? word.substr(0, word.size() - 1) : word);
    const bool alone = i + 1 == words.size() || words[i + 1].starts_with("--");
    if (empty_value)
      out.emplace_back();
    else if (alone && word.starts_with("--") && table.is_boolean(word.substr(2)))
      out.emplace_back("true");
  }
  return out;
}

std::vector<po::option> cut(const po::options_description& known, const std::vector<std::string>& words) {
  namespace style = po::command_line_style;
  try {
    return po::command_line_parser(words)
        .options(known)
        .style(style::allow_long | style::long_allow_adjacent | style::long_allow_next)
        .allow_unregistered()
        .run()
        .options;
  } catch (const po::error_with_option_name& problem) {
    throw Error(Exit::usage, "US004", "option not understood", problem.get_option_name(),
                "it takes one value, or none if it is --help or --print-config");
  } catch (const po::error& problem) {
    throw Error(Exit::usage, "US004", "command line not understood", "", problem.what());
  }
}

void require_arguments(const Command& command, const std::vector<std::string>& arguments) {
  std::size_t least = 0, most = 0;
  for (std::string_view rest = command.arguments; !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (word.front() != '[') ++least;
    most = word.find("...") != word.npos ? arguments.size() + least : most + 1;
  }
  const std::string usage =
      "hone " + command.name + (command.arguments.empty() ? "" : " " + command.arguments);
  if (arguments.size() > most)
    throw Error(Exit::usage, "US008", "unexpected argument", "", "\"" + arguments[most].substr(0, 60) + "\"",
                "usage: " + usage);
  if (arguments.size() < least) throw Error(Exit::usage, "US008", "argument missing", "", "usage: " + usage);
}

// "--optim.lr --data.eval x": the value was forgotten. (Meant as a value it is written --prompt=--help.)
void require_value(const po::option& option, const po::options_description& known) {
  if (option.original_tokens.size() < 2 || !option.original_tokens[1].starts_with("--")) return;
  const std::string& word = option.original_tokens[1];
  const std::string name = word.substr(2, word.find('=') - 2);
  if (name.empty() || known.find_nothrow(name, false) == nullptr) return;  // Boost finds every option in ""
  throw Error(Exit::usage, "US004", "option without a value", "--" + option.string_key,
              "followed by " + word);
}

bool is_flag(const std::string& name) { return name == kHelpOption.name || name == kPrintConfigOption.name; }

}  // namespace

CommandLine parse_command_line(const Command& command, std::span<const std::string> words) {
  CommandLine line;
  line.extra = command.options();
  FieldTable table(line);
  const po::options_description known = table.description();
  const std::vector<po::option> options = cut(known, with_implied_values(table, words));
  for (const po::option& option : options) {
    if (option.unregistered) table.unknown_option(option.original_tokens.front());
    require_value(option, known);
    if (option.string_key == kHelpOption.name) line.help = true;
    if (option.string_key == kPrintConfigOption.name) line.print_config = true;
    if (option.string_key == kConfigOption.name)
      for (const ConfigLine& entry : read_config_file(option.value.front())) table.set_from_file(entry);
  }
  for (const po::option& option : options) {
    if (option.position_key >= 0)
      line.arguments.insert(line.arguments.end(), option.value.begin(), option.value.end());
    else if (option.string_key != kConfigOption.name && !is_flag(option.string_key))
      table.set_from_option(option.string_key, option.value.front());
  }
  if (!line.help && !line.print_config) require_arguments(command, line.arguments);
  return line;
}

void require_given(const CommandLine& line, const std::string& key) {
  CommandLine copy = line;
  std::vector<Field> fields = fields_of(copy.config);
  fields.insert(fields.end(), copy.extra.fields().begin(), copy.extra.fields().end());
  for (const Field& field : fields)
    if (field.key() == key && text_of(field).empty())
      throw Error(Exit::usage, "US009", "option needed", "--" + key, "it was not given", field.help());
}

}  // namespace hone::launcher
