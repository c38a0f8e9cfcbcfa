// The read path on one core, from prepared shards to packed batches:
//   bench_read_path [TOKENS [FOLDER [VOCABULARY]]]
// Writes HDF5 corpora of random rows (lengths as in instruction data: median 180 tokens, 8 to 2048) into a
// temporary folder below FOLDER, one of TOKENS and one of a sixteenth of them, and removes them afterwards.
// One JSON line for each of:
//   start_up   seconds from the folder to a loader that knows its steps, and the shards and MiB touched for
//   it; a
//              line a corpus: the number of tokens is not to matter
//   read_path  whole epochs drawn through the loader, shuffled and packed, with the default batch size:
//   tokens/s, and
//              the share of a probe taken just before and after, which copies the bytes of the same shards
//              once from page cache to memory, counted in the same tokens
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

constexpr std::int64_t kRowsPerShard = 70'000;  // 16 million tokens, as 64 MiB of text are

struct Corpus {
  std::string folder;
  Fingerprint fingerprint;
  ShardIndex index;
};

struct Seconds {
  double wall = 0, core = 0;  // core: that this thread ran, so that what else the machine does matters less
};

double core_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Seconds seconds_of(const auto& call) {
  const auto begin = std::chrono::steady_clock::now();
  const double core = core_seconds();
  call();
  const double used = core_seconds() - core;
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), used};
}

// The middle of twelve uniform numbers is close to a normal one: lengths are log-normal.
Sample random_row(std::int64_t row, std::int32_t vocabulary) {
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
    for (const std::uint32_t w : word(3 + i))
      sample.ids.push_back(static_cast<std::int32_t>(w % static_cast<std::uint32_t>(vocabulary)));
  sample.ids.resize(length);
  sample.supervised.assign(length, 0);
  std::fill(sample.supervised.begin() + static_cast<std::ptrdiff_t>(length / 3), sample.supervised.end(), 1);
  return sample;
}

void write_shard(Corpus& corpus, std::int64_t& row, std::int64_t tokens) {
  SampleShardWriter writer(corpus.fingerprint);
  const std::int64_t begin = row;
  while (writer.tokens() < tokens && row - begin < kRowsPerShard) {
    const Sample sample = random_row(row++, corpus.fingerprint.vocab_size);
    ++corpus.index.lengths[std::ssize(sample.ids)];
    writer.add(sample);
  }
  const auto image = writer.image();
  const std::string name = "shard-" + std::to_string(corpus.index.shards.size()) + ".h5";
  write_file_atomic(corpus.folder + "/" + name, image);
  corpus.index.shards.push_back(
      {name, row - begin, writer.tokens(), xxh3(image), std::ssize(image), writer.bounds()});
}

Corpus write_corpus(const std::string& folder, std::int64_t tokens, std::int32_t vocabulary) {
  Corpus corpus{folder, {1, 2, vocabulary}, {}};
  make_directories(folder);
  corpus.index.fingerprint = corpus.fingerprint;
  corpus.index.format = "text";
  std::int64_t row = 0;
  while (corpus.index.tokens() < tokens) write_shard(corpus, row, tokens - corpus.index.tokens());
  corpus.index.sources = {{"random", 0, row, 0}};
  write_file_atomic(folder + "/" + kIndexName, to_json(corpus.index));
  return corpus;
}

void print(const OrderedJson& row) {
  std::printf("%s\n", row.dump().c_str());
  std::fflush(stdout);
}

std::unique_ptr<Loader> start_up(const Corpus& corpus) {
  std::unique_ptr<Loader> loader;
  std::shared_ptr<const PreparedSet> set;
  std::int64_t steps = 0;
  const Seconds seconds = seconds_of([&] {
    set = std::make_shared<PreparedSet>(std::vector{corpus.folder}, corpus.fingerprint, Reading{});
    loader = std::make_unique<Loader>(set, LoaderRules{});
    steps = loader->steps_in(3);
  });
  print({{"bench", "start_up"},
         {"tokens", corpus.index.tokens()},
         {"shards", corpus.index.shards.size()},
         {"steps", steps},
         {"seconds", seconds.wall},
         {"core_seconds", seconds.core},
         {"shards_opened", set->touched().shards},
         {"mebibytes_read", set->touched().blocks}});
  return loader;
}

// Core seconds to copy every shard's bytes once; the pages are in memory by then.
double probe(const Corpus& corpus) {
  double seconds = 0;
  std::vector<std::byte> copy;
  for (const ShardEntry& shard : corpus.index.shards) {
    const MappedFile file(corpus.folder + "/" + shard.name);
    copy.resize(file.bytes().size());
    std::memcpy(copy.data(), file.bytes().data(), copy.size());
    seconds += seconds_of([&] { std::memcpy(copy.data(), file.bytes().data(), copy.size()); }).core;
  }
  return seconds;
}

std::int64_t read_epoch(Loader& loader) {
  std::int64_t tokens = 0;
  for (std::int64_t step = loader.steps_in(1); step > 0; --step)
    for (const TokenBatch& batch : loader.next_step().bins) tokens += batch.token_count();
  return tokens;
}

void read_passes(const Corpus& corpus, Loader& loader) {
  double before = probe(corpus);
  for (const char* pass : {"first, checking digests", "second"}) {
    std::int64_t tokens = 0;
    const Seconds seconds = seconds_of([&] { tokens = read_epoch(loader); });
    const double after = probe(corpus), copying = std::min(before, after);
    print({{"bench", "read_path"},
           {"pass", pass},
           {"tokens", tokens},
           {"tokens_per_second", static_cast<double>(tokens) / seconds.wall},
           {"tokens_per_core_second", static_cast<double>(tokens) / seconds.core},
           {"copy_tokens_per_core_second", static_cast<double>(tokens) / copying},
           {"share_of_copy", copying / seconds.core}});
    before = after;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t tokens = argc > 1 ? std::atoll(argv[1]) : 50'000'000;
  const std::filesystem::path below = argc > 2 ? argv[2] : std::filesystem::temp_directory_path();
  const std::int32_t vocabulary = argc > 3 ? std::atoi(argv[3]) : 49'152;
  std::string folder = (below / "hone-read-path-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return 1;
  start_up(write_corpus(folder + "/sixteenth", tokens / 16, vocabulary));
  const Corpus corpus = write_corpus(folder + "/whole", tokens, vocabulary);
  read_passes(corpus, *start_up(corpus));
  std::filesystem::remove_all(folder);
  return 0;
}
