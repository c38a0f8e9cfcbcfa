#include "launcher/options/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "launcher/options/option_table.h"

namespace hone::launcher {
namespace {

// In single quotes, as every shell here reads them.
std::string quoted(std::string text, const char* quote) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != text.npos; at += std::string_view(quote).size())
    text.replace(at, 1, quote);
  return "'" + text + "'";
}
constexpr const char* kPosixQuote = "'\\''";
constexpr const char* kFishQuote = "\\'";

// An option of a command as a completion sees it.
struct Offered {
  std::string name, help;
  std::vector<std::string> values;
  bool flag = false;
};

std::vector<Offered> offered_by(const Command& command) {
  std::vector<Offered> out;
  for (const Field& field : OptionTable(command).all())
    out.push_back({field.key(), field.help(), values_of(field)});
  for (const GeneralOption& option : kGeneralOptions)
    out.push_back({std::string(option.name), std::string(option.help), {}, option.value.empty()});
  return out;
}

// Branches of bash's and zsh's `case COMMAND:WORD-BEFORE`: what can follow an option. An option of a section
// is the same for every command.
std::string value_cases(const std::vector<Command>& table, const std::string& offer) {
  std::string out;
  std::set<std::string> seen;
  for (const Command& command : table) {
    for (const Offered& option : offered_by(command)) {
      const bool of_section = option.name.find('.') != option.name.npos;
      const std::string pattern = fmt::format("{}:--{}", of_section ? "*" : command.name, option.name);
      if (option.values.empty() || !seen.insert(pattern).second) continue;
      out += fmt::format("    {}) {} ;;\n", pattern,
                         fmt::format(fmt::runtime(offer), fmt::join(option.values, " ")));
    }
  }
  return out;
}

std::vector<std::string> names_of(const std::vector<Command>& table) {
  std::vector<std::string> names;
  for (const Command& command : table) names.push_back(command.name);
  return names;
}

std::string bash_script(const std::vector<Command>& table) {
  std::string options;
  for (const Command& command : table) {
    std::vector<std::string> words;
    for (const Offered& option : offered_by(command)) words.push_back("--" + option.name);
    options += fmt::format("    {}) options='{}' ;;\n", command.name, fmt::join(words, " "));
  }
  return fmt::format(R"(# Completion of hone for bash: source <(hone completion bash)
_hone() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} options=''
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '{} --help --version' -- "$word")
    return
  fi
  case ${{COMP_WORDS[1]}}:$before in
    *:--help | *:--print-config) ;;
{}    *:--*) return ;;
  esac
  [[ -n $options || $word == -* ]] || return
  [[ -n $options ]] || case ${{COMP_WORDS[1]}} in
{}  esac
  mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
}}
complete -o default -F _hone hone
)",
                     fmt::join(names_of(table), " "), value_cases(table, "options='{}'"), options);
}

std::string zsh_script(const std::vector<Command>& table) {
  std::string commands, options;
  for (const Command& command : table) {
    commands += fmt::format("      {}\n", quoted(command.name + ":" + command.line, kPosixQuote));
    options += fmt::format("    {})\n      options=(\n", command.name);
    for (const Offered& option : offered_by(command))
      options += fmt::format("        {}\n", quoted("--" + option.name + ":" + option.help, kPosixQuote));
    options += "      ) ;;\n";
  }
  return fmt::format(R"(#compdef hone
# Completion of hone for zsh: a file _hone in a folder of $fpath, or source <(hone completion zsh)
_hone() {{
  local -a commands options
  if ((CURRENT == 2)); then
    commands=(
{})
    _describe command commands
    return
  fi
  case $words[2]:$words[CURRENT-1] in
    *:--help|*:--print-config) ;;
{}    *:--*) _files; return ;;
  esac
  case $words[2] in
{}  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe -o option options
  else
    _files
  fi
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _hone "$@"
else
  compdef _hone hone
fi
)",
                     commands, value_cases(table, "compadd {}; return"), options);
}

std::string fish_script(const std::vector<Command>& table) {
  std::string out = "# Completion of hone for fish: hone completion fish | source\n";
  for (const Command& command : table)
    out += fmt::format("complete -c hone -f -n __fish_use_subcommand -a {} -d {}\n", command.name,
                       quoted(command.line, kFishQuote));
  for (const Command& command : table) {
    for (const Offered& option : offered_by(command)) {
      const std::string values = option.flag ? ""
                                 : option.values.empty()
                                     ? " -r -F"
                                     : fmt::format(" -x -a '{}'", fmt::join(option.values, " "));
      out += fmt::format("complete -c hone -n '__fish_seen_subcommand_from {}' -l {}{} -d {}\n", command.name,
                         option.name, values, quoted(option.help, kFishQuote));
    }
  }
  return out;
}

}  // namespace

std::string completion_script(const std::string& shell, const std::vector<Command>& table) {
  if (shell == "bash") return bash_script(table);
  if (shell == "zsh") return zsh_script(table);
  if (shell == "fish") return fish_script(table);
  throw Error(Exit::usage, "US012", "shell not known", "", "\"" + shell.substr(0, 60) + "\"",
              "bash, zsh or fish");
}

}  // namespace hone::launcher
