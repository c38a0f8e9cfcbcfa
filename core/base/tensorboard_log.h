#pragma once
// The rows of metrics.jsonl as a TensorBoard event file. Every number of a row becomes the scalar kind/name
// ("train/loss", "eval/loss"); lr is called learning_rate, as transformers calls it. Each row is handed to
// the system whole. An event file is a sequence of TFRecords (length, checksum of it, bytes, checksum of
// them; CRC-32C, masked), each a protobuf Event. Written by rank 0 only. Errors: exit 8 (ML001).
#include <cstdint>
#include <string>

#include "core/base/append_file.h"
#include "core/base/clock.h"
#include "core/base/json.h"

namespace hone {

class TensorBoardLog {
 public:
  // A new file in `folder`, which is made where it is missing. Whatever earlier files there say of steps from
  // `first_step` on is void: TensorBoard drops it, so that a resumed run shows each step once. `now`: seconds
  // since 1970.
  TensorBoardLog(const std::string& folder, std::int64_t first_step, Clock now = unix_clock());
  void write(const OrderedJson& row);

 private:
  void record(const std::string& event);

  Clock now_;
  AppendFile file_;
};

std::uint32_t crc32c(std::string_view bytes);

}  // namespace hone
