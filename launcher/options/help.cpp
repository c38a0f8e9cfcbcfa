#include "launcher/options/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "launcher/options/config.h"

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

std::string range_text(const FieldInfo& info) {
  if (std::isfinite(info.min) && std::isfinite(info.max)) return fmt::format("{} to {}", info.min, info.max);
  if (std::isfinite(info.min)) return fmt::format("{} or more", info.min);
  return {};
}

// The field's sentence, then what a script needs to know: [default 16; 1 to 65536 steps]
std::string description(const Field& field) {
  const std::string value = text_of(field), range = range_text(field.info), unit = field.info.unit;
  std::string facts = value.empty() ? "no default" : "default " + value;
  if (!range.empty()) facts += "; " + range;
  if (!unit.empty()) facts += (range.empty() ? "; " : " ") + unit;
  return fmt::format("{} [{}]", field.info.help, facts);
}

std::string field_row(const Field& field) {
  return row(fmt::format("  --{} {}", field.key(), type_text(field)), description(field));
}

std::string examples_text(const Command& command) {
  std::string out;
  for (const std::string& example : command.examples) out += "  " + example + "\n";
  return out.empty() ? "" : "\nExamples\n" + out;
}

std::string sections_text(const std::vector<std::string>& sections) {
  Config defaults;
  const std::vector<Field> fields = fields_of(defaults);
  std::string out;
  for (const std::string& section : sections) {
    out += "\n[" + section + "]\n";
    for (const Field& field : fields)
      if (field.section == section) out += field_row(field);
  }
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
  const ExtraOptions extra = command.options();
  out += "\nOptions\n";
  for (const Field& field : extra.fields()) out += field_row(field);
  out += row("  --config FILE.cfg", "read a config file; may be given several times");
  out += row("  --print-config", "print the effective config as a .cfg file and stop");
  out += row("  --help", "print this and stop");
  return out + sections_text(command.sections) + examples_text(command);
}

}  // namespace hone::launcher
