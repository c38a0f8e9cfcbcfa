#pragma once
// metrics.jsonl: one JSON object a line, keys in the order given, numbers with enough digits to round-trip,
// each row handed to the system whole before write() returns. Written by rank 0 only. Errors: exit 8 (ML00x);
// a damaged file: exit 3.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/append_file.h"
#include "core/base/json.h"

namespace hone {

class MetricsLog {
 public:
  // A new file; or, with `keep_to_step`, the file that is there, cut back to its rows of steps up to that one
  // (a torn last line goes too), to be gone on with.
  MetricsLog(const std::string& path, std::optional<std::int64_t> keep_to_step);

  void write(const OrderedJson& row);
  void sync() { file_.sync(); }  // before a checkpoint that counts on the rows so far

 private:
  AppendFile file_;
};

// All rows of a file; a torn last line (no LF at its end) is left out.
std::vector<OrderedJson> read_metrics(const std::string& path);

}  // namespace hone
