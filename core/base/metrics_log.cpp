#include "core/base/metrics_log.h"

#include "core/base/error.h"
#include "core/base/file_system.h"

namespace hone {
namespace {

OrderedJson parse_row(std::string_view line, const std::string& where) {
  parse_json(line, "ML002", where);  // for its checks; the row itself keeps its order
  OrderedJson row = OrderedJson::parse(line);
  if (!row.is_object() || !row.contains("step") || !row["step"].is_number_integer())
    throw Error(Exit::input, "ML003", "not a metrics row", where,
                "an object with an integer \"step\" was expected");
  return row;
}

// visit(line with its LF, row) for every whole line.
template <class Visit>
void for_each_row(std::string_view text, const std::string& path, Visit&& visit) {
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return;
    visit(text.substr(0, end + 1), parse_row(text.substr(0, end), path + ":" + std::to_string(number)));
    text.remove_prefix(end + 1);
  }
}

// What is left is gone on with; without `keep_to_step` nothing is.
AppendFile::Open cut_back(const std::string& path, std::optional<std::int64_t> keep_to_step) {
  if (!keep_to_step) return AppendFile::Open::empty;
  if (!path_exists(path)) return AppendFile::Open::at_end;
  const std::string text = read_text_file(path);
  std::string kept;
  for_each_row(text, path, [&](std::string_view line, const OrderedJson& row) {
    if (row["step"].get<std::int64_t>() <= *keep_to_step) kept += line;
  });
  if (kept != text) write_file_atomic(path, kept);
  return AppendFile::Open::at_end;
}

}  // namespace

MetricsLog::MetricsLog(const std::string& path, std::optional<std::int64_t> keep_to_step)
    : file_(path, cut_back(path, keep_to_step)) {}

void MetricsLog::write(const OrderedJson& row) {
  file_.write(row.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
}

std::vector<OrderedJson> read_metrics(const std::string& path) {
  std::vector<OrderedJson> rows;
  const std::string text = read_text_file(path);
  for_each_row(text, path, [&](std::string_view, OrderedJson row) { rows.push_back(std::move(row)); });
  return rows;
}

}  // namespace hone
