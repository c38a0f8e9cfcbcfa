#include "core/base/metrics_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/error.h"
#include "core/base/file_system.h"

namespace hone {
namespace {

[[noreturn]] void fail(const std::string& path) {
  throw Error(Exit::output, "ML001", "cannot write", path, std::strerror(errno));
}

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

void cut_back(const std::string& path, std::int64_t keep_to_step) {
  if (!path_exists(path)) return;
  const std::string text = read_text_file(path);
  std::string kept;
  for_each_row(text, path, [&](std::string_view line, const OrderedJson& row) {
    if (row["step"].get<std::int64_t>() <= keep_to_step) kept += line;
  });
  if (kept != text) write_file_atomic(path, kept);
}

}  // namespace

MetricsLog::MetricsLog(std::string path, std::optional<std::int64_t> keep_to_step) : path_(std::move(path)) {
  if (keep_to_step) cut_back(path_, *keep_to_step);
  const int mode = keep_to_step ? O_APPEND : O_TRUNC;
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | mode, 0644);
  if (fd_ < 0) fail(path_);
}

MetricsLog::~MetricsLog() {
  ::close(fd_);
}

void MetricsLog::write(const OrderedJson& row) {
  const std::string line = row.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

void MetricsLog::sync() {
  if (::fsync(fd_) != 0) fail(path_);
}

std::vector<OrderedJson> read_metrics(const std::string& path) {
  std::vector<OrderedJson> rows;
  const std::string text = read_text_file(path);
  for_each_row(text, path, [&](std::string_view, OrderedJson row) { rows.push_back(std::move(row)); });
  return rows;
}

}  // namespace hone
