#include "launcher/options/help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "launcher/options/option_table.h"

namespace hone::launcher {
namespace {

constexpr std::size_t kWidth = 100, kColumn = 38;

// `left`, then `right` wrapped in a column of its own.
std::string row(std::string left, std::string_view right) {
  std::string out = std::move(left);
  std::size_t at = out.size();
  if (at + 2 > kColumn) {
    out += "\n";
    at = 0;
  }
  out.append(kColumn - at, ' ');
  at = kColumn;
  while (!right.empty()) {
    const std::size_t end = std::min(right.find(' '), right.size());
    if (at > kColumn && at + 1 + end > kWidth) {
      out += "\n" + std::string(kColumn, ' ');
      at = kColumn;
    } else if (at > kColumn) {
      out += ' ';
      ++at;
    }
    out += right.substr(0, end);
    at += end;
    right.remove_prefix(std::min(end + 1, right.size()));
  }
  return out + "\n";
}

std::string field_row(const Field& field) {
  const std::string left = fmt::format("  --{} {}", field.key(), type_text(field));
  if (left.size() <= kWidth) return row(left, fmt::format("{} [{}]", field.help(), facts_of(field)));
  return row(fmt::format("  --{} NAME", field.key()),  // choices that do not fit into a line
             fmt::format("{}: {} [{}]", field.help(), fmt::join(field.info.choices, ", "), facts_of(field)));
}

std::string examples_text(const Command& command) {
  std::string out;
  for (const std::string& example : command.examples) out += "  " + example + "\n";
  return out.empty() ? "" : "\nExamples\n" + out;
}

std::string general_options_text() {
  std::string out;
  for (const GeneralOption& option : kGeneralOptions)
    out += row(fmt::format("  --{} {}", option.name, option.value), option.help);
  return out;
}

constexpr const char* kForm =
    "A .cfg file is [section] and key = value lines; a comment is a line that begins with #.\n"
    "Later beats earlier, the command line beats files. Lists are separated by commas.\n";

}  // namespace

std::string general_help(const std::vector<Command>& table) {
  std::string out =
      "hone fine-tunes language models, on one machine or on many ranks under mpirun or srun.\n\n"
      "usage: hone <command> [--config FILE.cfg]... [--section.key VALUE]...\n\nCommands\n";
  for (const Command& command : table) out += fmt::format("  {:<10} {}\n", command.name, command.line);
  out +=
      "\nExamples\n"
      "  hone train --config configs/sft/smollm2_qlora.cfg --model.path MODEL --data.train rows.jsonl\n"
      "  hone generate --model.path MODEL --model.adapters RUN/adapter --chat true --prompt \"Hello\"\n\n"
      "hone <command> --help shows a command's options, hone --version what this build is made of.\n";
  return out + kForm;
}

std::string command_help(const Command& command) {
  const std::string arguments = command.arguments.empty() ? "" : " " + command.arguments;
  std::string out =
      fmt::format("hone {}: {}\n\nusage: hone {}{} [--config FILE.cfg]... [--section.key VALUE]...\n",
                  command.name, command.line, command.name, arguments);
  out += kForm;
  const OptionTable table(command);
  out += "\nOptions\n";
  for (const Field& field : table.own()) out += field_row(field);
  out += general_options_text();
  for (const std::string& section : table.sections()) {
    out += "\n" + section_heading(section) + "\n";
    for (const Field& field : table.section(section)) out += field_row(field);
  }
  return out + examples_text(command);
}

}  // namespace hone::launcher
