#include "core/base/tensorboard_log.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/base/metrics_log.h"
#include "tests/base/temporary_folder.h"

namespace hone {
namespace {

const std::string kGolden = std::string(HONE_GOLDEN_DIR) + "/tensorboard/";

Clock half_seconds() {
  return [now = 1700000000.25 - 0.5 - 0.5]() mutable { return now += 0.5; };  // the first names the file
}

std::string only_file_of(const std::string& folder) {
  const std::vector<std::string> files = list_directory(folder);
  EXPECT_EQ(files.size(), 1u);
  return files.at(0);
}

TEST(TensorBoardLog, BytesEqualTensorBoardsOwnWriter) {
  const TemporaryFolder folder;
  const std::string events = folder.path() + "/tensorboard";
  {
    TensorBoardLog log(events, 300, half_seconds());
    for (const OrderedJson& row : read_metrics(kGolden + "rows.jsonl")) log.write(row);
  }
  const std::string file = only_file_of(events);
  EXPECT_TRUE(file.starts_with("events.out.tfevents.1699999999.")) << file;
  EXPECT_EQ(read_text_file(events + "/" + file), read_text_file(kGolden + "events.bin"));
}

TEST(TensorBoardLog, EachRowIsInTheFileAsSoonAsItIsWritten) {
  const TemporaryFolder folder;
  TensorBoardLog log(folder.path(), 1);
  const std::string path = folder.path() + "/" + only_file_of(folder.path());
  const std::size_t begun = read_text_file(path).size();
  EXPECT_GT(begun, 0u);
  log.write({{"kind", "train"}, {"step", 1}, {"loss", 1.0}});
  EXPECT_GT(read_text_file(path).size(), begun);
}

TEST(TensorBoardLog, AFolderThatCannotBeIsAnOutputError) {
  try {
    TensorBoardLog log("/proc/none/tensorboard", 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit(), Exit::output);
  }
}

TEST(Crc32c, EqualsTheStandardsTestVectors) {  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
}

}  // namespace
}  // namespace hone
