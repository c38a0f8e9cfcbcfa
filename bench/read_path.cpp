// The read path on one core, from prepared shards to packed batches:
//   bench_read_path [rows]
// Writes an HDF5 corpus of random rows (lengths as in instruction data: median 180 tokens, 8 to 2048) into a
// temporary folder, then draws whole epochs from it through the Loader in shuffled order with the default
// batch size and packing. Per pass one JSON line: tokens/s of that pass, and its share of a probe taken just
// before and after: copying the bytes of the same shards once, from page cache to memory, counted in the same
// tokens.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "core/base/file_system.h"
#include "core/base/json.h"
#include "core/base/philox.h"
#include "data/load/loader.h"
#include "data/load/prepared_set.h"
#include "data/shard/shard_index.h"

namespace {

using namespace hone;
using namespace hone::data;

constexpr Fingerprint kFingerprint{1, 2, 49152};
constexpr std::int64_t kRowsPerShard = 20'000;

double seconds_of(const auto& call) {
  const auto begin = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The middle of twelve uniform numbers is close to a normal one: lengths are log-normal.
Sample random_row(std::int64_t row) {
  const auto word = [&](std::uint32_t at) {
    return philox({static_cast<std::uint32_t>(row), at, 0, 0}, philox_key(42));
  };
  float sum = -6;
  for (std::uint32_t i = 0; i < 3; ++i)
    for (const std::uint32_t w : word(i)) sum += unit_float(w);
  const auto length = static_cast<std::size_t>(std::clamp(180 * std::exp(0.7f * sum), 8.0f, 2048.0f));
  Sample sample;
  sample.row = row;
  for (std::uint32_t i = 0; sample.ids.size() < length; ++i)
    for (const std::uint32_t w : word(3 + i)) sample.ids.push_back(static_cast<std::int32_t>(w % 49152));
  sample.ids.resize(length);
  sample.supervised.assign(length, 0);
  std::fill(sample.supervised.begin() + static_cast<std::ptrdiff_t>(length / 3), sample.supervised.end(), 1);
  return sample;
}

ShardIndex write_corpus(const std::string& folder, std::int64_t rows) {
  ShardIndex index;
  index.fingerprint = kFingerprint;
  index.format = "text";
  for (std::int64_t begin = 0; begin < rows; begin += kRowsPerShard) {
    SampleShardWriter writer(kFingerprint);
    const std::int64_t end = std::min(rows, begin + kRowsPerShard);
    for (std::int64_t row = begin; row < end; ++row) writer.add(random_row(row));
    const auto image = writer.image();
    const std::string name = "shard-" + std::to_string(begin / kRowsPerShard) + ".h5";
    write_file_atomic(folder + "/" + name, image);
    index.shards.push_back({name, end - begin, writer.tokens(), xxh3(image)});
  }
  index.sources = {{"random", 0, rows, 0}};
  write_file_atomic(folder + "/" + kIndexName, to_json(index));
  return index;
}

// Seconds to copy every shard's bytes once; the pages are in memory by then.
double probe(const std::string& folder, const ShardIndex& index) {
  double seconds = 0;
  std::vector<std::byte> copy;
  for (const ShardEntry& shard : index.shards) {
    const MappedFile file(folder + "/" + shard.name);
    copy.resize(file.bytes().size());
    std::memcpy(copy.data(), file.bytes().data(), copy.size());
    seconds += seconds_of([&] { std::memcpy(copy.data(), file.bytes().data(), copy.size()); });
  }
  return seconds;
}

std::int64_t read_epoch(Loader& loader) {
  std::int64_t tokens = 0;
  for (std::int64_t step = loader.steps_in(1); step > 0; --step)
    for (const TokenBatch& batch : loader.next_step().bins) tokens += batch.token_count();
  return tokens;
}

void print_pass(const char* pass, std::int64_t tokens, double seconds, double probe_seconds) {
  const OrderedJson row{{"bench", "read_path"},
                        {"pass", pass},
                        {"tokens", tokens},
                        {"tokens_per_second", static_cast<double>(tokens) / seconds},
                        {"copy_tokens_per_second", static_cast<double>(tokens) / probe_seconds},
                        {"share_of_copy", probe_seconds / seconds}};
  std::printf("%s\n", row.dump().c_str());
  std::fflush(stdout);
}

void run(const std::string& folder, std::int64_t rows) {
  const ShardIndex index = write_corpus(folder, rows);
  const auto set = std::make_shared<PreparedSet>(std::vector{folder}, kFingerprint, Reading{});
  double before = probe(folder, index);
  std::unique_ptr<Loader> loader;
  const double opening = seconds_of([&] { loader = std::make_unique<Loader>(set, LoaderRules{}); });
  for (const char* pass : {"first, checking digests", "second", "third"}) {
    std::int64_t tokens = 0;
    double seconds = seconds_of([&] { tokens = read_epoch(*loader); });
    if (*pass == 'f') seconds += opening;
    const double after = probe(folder, index);
    print_pass(pass, tokens, seconds, std::min(before, after));
    before = after;
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string folder = (std::filesystem::temp_directory_path() / "hone-read-path-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return 1;
  run(folder, argc > 1 ? std::atoll(argv[1]) : 200'000);
  std::filesystem::remove_all(folder);
  return 0;
}
