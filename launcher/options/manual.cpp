#include "launcher/options/manual.h"

#include <fmt/format.h>

#include <cctype>

#include "launcher/options/option_table.h"

namespace hone::launcher {
namespace {

struct ExitCode {
  int code;
  const char* meaning;
};
constexpr ExitCode kExitCodes[] = {{0, "done"},
                                   {1, "a bug of hone"},
                                   {2, "usage or config"},
                                   {3, "an input file"},
                                   {4, "a checkpoint"},
                                   {5, "a rank hung, or a time-out"},
                                   {6, "a loss or gradient that is not finite"},
                                   {7, "out of memory"},
                                   {8, "something could not be written"},
                                   {75, "stopped on request and saved: run the same command again"}};

// Text as roff prints it unchanged.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else {
      if (c == '-' || (out.empty() && (c == '.' || c == '\''))) out += c == '-' ? "\\" : "\\&";
      out += c;
      if (c == '|') out += "\\:";  // a line may end between two choices
    }
  }
  return out;
}

std::string title(const std::string& name, const std::string& line, const std::string& version) {
  std::string upper = name;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return fmt::format(".TH {} 1 \"\" \"Hone {}\" \"Hone\"\n.ad l\n.SH NAME\n{} \\- {}\n", roff(upper),
                     roff(version), roff(name), roff(line));
}

std::string entry(std::string_view head, std::string_view value, std::string_view text) {
  const std::string italic = value.empty() ? "" : fmt::format(" \\fI{}\\fR", roff(value));
  return fmt::format(".TP\n\\fB{}\\fR{}\n{}\n", roff(head), italic, roff(text));
}

std::string option_entry(const Field& field) {
  return entry("--" + field.key(), type_text(field), fmt::format("{} [{}]", field.help(), facts_of(field)));
}

std::string examples(const std::vector<std::string>& lines) {
  std::string out = ".SH EXAMPLES\n.EX\n";
  for (const std::string& line : lines) out += roff(line) + "\n";
  return out + ".EE\n";
}

std::string exit_codes() {
  std::string out = ".SH EXIT STATUS\n";
  for (const ExitCode& code : kExitCodes) out += entry(std::to_string(code.code), "", code.meaning);
  return out;
}

constexpr const char* kConfigFiles =
    ".SH CONFIG FILES\nA .cfg file is [section] and key = value lines; a comment is a line that begins with "
    "#. Later beats "
    "earlier,\nthe command line beats files. Lists are separated by commas.\n";

std::string arguments_of(const Command& command) {
  return command.arguments.empty() ? "" : " " + command.arguments;
}

// A cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

// The default has a column of its own.
std::string meaning_of(const Field& field) {
  const std::string limits = limits_of(field);
  return limits.empty() ? field.help() : fmt::format("{} ({})", field.help(), limits);
}

std::string rows(const std::vector<Field>& fields, const std::string& prefix) {
  std::string out = "| option | value | default | meaning |\n|---|---|---|---|\n";
  for (const Field& field : fields) {
    const std::string value = text_of(field);
    out += fmt::format("| `{}{}` | `{}` | {} | {} |\n", prefix, field.name, cell(type_text(field)),
                       value.empty() ? "" : "`" + cell(value) + "`", cell(meaning_of(field)));
  }
  return out;
}

}  // namespace

std::string general_manual(const std::vector<Command>& table, const std::string& version) {
  std::string out = title("hone", "fine-tune language models", version);
  out +=
      ".SH SYNOPSIS\n\\fBhone\\fR \\fIcommand\\fR [\\fB\\-\\-config\\fR \\fIFILE.cfg\\fR]... "
      "[\\fB\\-\\-section.key\\fR \\fIVALUE\\fR]...\n";
  out +=
      ".SH DESCRIPTION\nFine\\-tunes language models, on one machine or on many ranks under mpirun or srun. "
      "Results for scripts go to\nstandard output as JSON, everything for people to standard error. A "
      "failure is one line "
      "that begins error[CODE].\n.SH COMMANDS\n";
  std::string see_also;
  for (const Command& command : table) {
    out += entry(command.name, arguments_of(command), command.line);
    see_also += fmt::format("{}.BR hone\\-{} (1)", see_also.empty() ? "" : ",\n", command.name);
  }
  return out + kConfigFiles + exit_codes() + ".SH SEE ALSO\n" + see_also + "\n";
}

std::string command_manual(const Command& command, const std::string& version) {
  std::string out = title("hone-" + command.name, command.line, version);
  out += fmt::format(".SH SYNOPSIS\n\\fBhone {}\\fR{} [\\fIoptions\\fR]\n.SH OPTIONS\n", command.name,
                     roff(arguments_of(command)));
  const OptionTable table(command);
  for (const Field& field : table.own()) out += option_entry(field);
  for (const GeneralOption& option : kGeneralOptions)
    out += entry(fmt::format("--{}", option.name), option.value, option.help);
  for (const std::string& section : table.sections()) {
    out += fmt::format(".SS {}\n", section_heading(section));
    for (const Field& field : table.section(section)) out += option_entry(field);
  }
  return out + kConfigFiles + examples(command.examples) + exit_codes() + ".SH SEE ALSO\n.BR hone (1)\n";
}

std::string options_reference(const std::vector<Command>& table) {
  std::string out =
      "# Options\n\nWritten by `hone man --format markdown`; a test holds it against the program.\n\n## "
      "Keys\n\nIn a `.cfg` "
      "file a key stands under its `[section]`; on the command line it is `--section.key`.\n";
  std::vector<std::string> sections;
  Config defaults;
  for (const Field& field : fields_of(defaults))
    if (sections.empty() || sections.back() != field.section) sections.push_back(field.section);
  const OptionTable keys({.name = "", .line = "", .sections = sections});
  for (const std::string& section : sections)
    out += fmt::format("\n### [{}]\n\n{}", section, rows(keys.section(section), ""));
  out +=
      "\n## Commands\n\nEvery command takes every key, `--config FILE.cfg`, `--print-config` and `--help`.\n";
  for (const Command& command : table) {
    out += fmt::format("\n### hone {}{}\n\n{}.\n", command.name, arguments_of(command), command.line);
    const OptionTable options(command);
    if (!options.own().empty()) out += "\n" + rows(options.own(), "--");
  }
  return out;
}

}  // namespace hone::launcher
