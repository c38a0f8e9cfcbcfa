#include "data/shard/prepare.h"

#include <signal.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "data/encode_sft.h"
#include "data/exchange.h"
#include "data/shard/shard_index.h"

namespace hone::data {
namespace {

namespace fs = std::filesystem;

enum class WhereThere { refuse, use };  // an output that exists already

struct ShardFacts {  // exchanged between ranks
  std::int64_t rows = 0, tokens = 0;
  std::uint64_t digest = 0;
  std::int64_t bytes = 0;
  RowBounds bounds;
};

Fingerprint fingerprint_of(const PrepareJob& job) {
  return {job.tokenizer->fingerprint(), job.chat_template->fingerprint(), job.tokenizer->vocab_size()};
}

std::string shard_name(std::size_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "shard-%06zu.h5", number);
  return name;
}

// --- the temporary folder: named by host and process, so that what a killed run left is known as such

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "host";
}

void remove_leftovers(const std::string& output) {
  const fs::path parent = fs::path(output).parent_path().empty() ? "." : fs::path(output).parent_path();
  const std::string lead = fs::path(output).filename().string() + ".tmp-" + host_name() + "-";
  for (const std::string& name : list_directory(parent.string())) {
    if (!name.starts_with(lead)) continue;
    const long process = std::strtol(name.c_str() + lead.size(), nullptr, 10);
    if (process > 0 && ::kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH)
      remove_all((parent / name).string());
  }
}

std::string make_temporary(const std::string& output, WhereThere where_there) {
  if (where_there == WhereThere::refuse && path_exists(output))
    throw Error(Exit::usage, "DS019", "output is there already", output,
                "a prepared folder is never overwritten", "remove it or choose another name");
  const std::string parent = fs::path(output).parent_path().string();
  if (!parent.empty()) make_directories(parent);
  remove_leftovers(output);
  const std::string temporary = output + ".tmp-" + host_name() + "-" + std::to_string(::getpid());
  remove_all(temporary);
  make_directories(temporary);
  return temporary;
}

std::string agreed_text(const std::string& rank0s, Communicator& comm) {
  std::vector<char> text;
  if (comm.rank() == 0) text.assign(rank0s.begin(), rank0s.end());
  const std::vector<char> all = gather_all(comm, text);
  return {all.begin(), all.end()};
}

// --- encoding

RowStats stats_of(const Sample& sample, const Example& example, const PrepareJob& job) {
  RowStats stats;
  stats.length = static_cast<std::int32_t>(sample.ids.size());
  const auto targets = [&](std::int64_t begin, std::int64_t end) {
    std::int32_t count = 0;
    for (std::int64_t i = begin; i < end; ++i)
      count += job.reading.train_on == TrainOn::all || sample.supervised[i];
    return count;
  };
  stats.supervised = targets(1, stats.length);
  for (std::int64_t number = 0; number < window_count(stats.length, job.reading); ++number) {
    const RowWindow window = window_of(stats.length, number, job.reading);
    stats.kept_targets += targets(window.first_target(), window.end);
  }
  const std::uint64_t mask = XXH3_64bits(sample.supervised.data(), sample.supervised.size());
  stats.hash = XXH3_64bits_withSeed(sample.ids.data(), sample.ids.size() * sizeof(std::int32_t), mask);
  stats.empty_answer = has_empty_answer(example);
  return stats;
}

// The encoder knows the text, the reader knows the place.
Sample encode_at(const Example& example, const PrepareJob& job, const ExampleReader& reader) {
  try {
    Sample sample = encode_sft(example, *job.tokenizer, *job.chat_template);
    for (const std::int32_t id : sample.ids)
      if (id < 0 || id >= job.tokenizer->vocab_size())
        throw Error(Exit::input, "DS011", "token id over the vocabulary", "", std::to_string(id));
    return sample;
  } catch (const Error& error) {
    throw Error(error.exit(), error.code(), "row cannot be encoded", reader.where(), text_of(error));
  }
}

class RankWork {
 public:
  RankWork(const PrepareJob& job, const JsonlSource& source, const RowFormat& format, std::string folder)
      : job_(job), source_(source), format_(format), folder_(std::move(folder)) {}

  void write_shard(std::size_t number) {
    SampleShardWriter writer(fingerprint_of(job_));
    ExampleReader reader = source_.read(source_.ranges()[number], format_);
    while (const auto example = reader.next()) {
      const Sample sample = encode_at(*example, job_, reader);
      rows.push_back(stats_of(sample, *example, job_));
      writer.add(sample);
    }
    const std::vector<std::byte> image = writer.image();
    write_file_atomic(folder_ + "/" + shard_name(number), image);
    shards.push_back(
        {source_.ranges()[number].rows, writer.tokens(), xxh3(image), std::ssize(image), writer.bounds()});
  }

  std::vector<RowStats> rows;
  std::vector<ShardFacts> shards;

 private:
  const PrepareJob& job_;
  const JsonlSource& source_;
  const RowFormat& format_;
  const std::string folder_;
};

void write_index(const PrepareJob& job, const JsonlSource& source, const RowFormat& format,
                 const std::vector<ShardFacts>& shards, const LengthCounts& lengths,
                 const std::string& folder) {
  ShardIndex index{fingerprint_of(job), format.name, {}, source.files(), lengths};
  for (std::size_t i = 0; i < shards.size(); ++i)
    index.shards.push_back({shard_name(i), shards[i].rows, shards[i].tokens, shards[i].digest,
                            shards[i].bytes, shards[i].bounds});
  write_file_atomic(folder + "/" + kIndexName, to_json(index));
}

// Another run may have filled the same place of the cache meanwhile, with the same bytes.
void publish(const std::string& temporary, const std::string& output, WhereThere where_there) {
  if (where_there == WhereThere::use && is_prepared_folder(output))
    remove_all(temporary);
  else
    rename_durable(temporary, output);
}

PrepareReport prepare_source(const PrepareJob& job, const JsonlSource& source, const std::string& output,
                             Communicator& comm, WhereThere where_there) {
  const RowFormat& format = source.format(job.format);
  std::string temporary;
  together(comm, [&] {
    if (comm.rank() == 0) temporary = make_temporary(output, where_there);
  });
  temporary = agreed_text(temporary, comm);
  try {
    const auto count = source.ranges().size(), rank = static_cast<std::size_t>(comm.rank()),
               world = static_cast<std::size_t>(comm.world_size());
    RankWork work(job, source, format, temporary);
    together(comm, [&] {
      for (std::size_t shard = count * rank / world; shard < count * (rank + 1) / world; ++shard)
        work.write_shard(shard);
    });
    const std::vector<ShardFacts> shards = gather_all(comm, work.shards);
    PrepareReport report = lint(work.rows, job.reading.max_length, comm);
    report.shards = static_cast<std::int64_t>(shards.size());
    together(comm, [&] {
      if (comm.rank() != 0) return;
      write_index(job, source, format, shards, report.lengths, temporary);
      publish(temporary, output, where_there);
    });
    return report;
  } catch (...) {
    if (comm.rank() == 0) remove_all(temporary);
    throw;
  }
}

std::string cache_dir(const std::string& root, const PrepareJob& job, const JsonlSource& source) {
  std::vector<std::uint64_t> parts{kShardFormatVersion, job.tokenizer->fingerprint(),
                                   job.chat_template->fingerprint(),
                                   XXH3_64bits(job.format.data(), job.format.size())};
  for (const SourceFile& file : source.files()) parts.push_back(file.digest);
  return (fs::path(root) / "hone-cache" / hex_digits(xxh3(std::as_bytes(std::span(parts))))).string();
}

std::string prepare_cached(PrepareJob job, std::vector<std::string> files, const std::string& cache_root,
                           Communicator& comm, std::vector<PrepareReport>& reports) {
  job.inputs = std::move(files);
  const JsonlSource source(job.inputs, comm);
  const std::string folder = cache_dir(cache_root, job, source);
  const bool there = agreed_text(is_prepared_folder(folder) ? "y" : "n", comm) == "y";
  if (!there) reports.push_back(prepare_source(job, source, folder, comm, WhereThere::use));
  return folder;
}

}  // namespace

PrepareReport prepare(const PrepareJob& job, const std::string& output, Communicator& comm) {
  const std::string folder =
      output.substr(0, output.find_last_not_of('/') + 1);  // its name, for the one beside it
  return prepare_source(job, JsonlSource(job.inputs, comm), folder.empty() ? output : folder, comm,
                        WhereThere::refuse);
}

std::string prepared_cache_dir(const std::string& cache_root, const PrepareJob& job) {
  return cache_dir(cache_root, job, JsonlSource(job.inputs));
}

Prepared prepare_inputs(const PrepareJob& settings, const std::string& cache_root, Communicator& comm,
                        bool apart) {
  Prepared prepared;
  std::vector<std::string> raw;
  const auto flush = [&] {
    if (!raw.empty())
      prepared.folders.push_back(
          prepare_cached(settings, std::move(raw), cache_root, comm, prepared.reports));
    raw.clear();
  };
  for (const std::string& input : settings.inputs) {
    if (!is_directory(input)) {
      raw.push_back(input);
      if (apart) flush();
      continue;
    }
    if (!is_prepared_folder(input))
      throw Error(Exit::input, "DS024", "not a prepared folder", input, "no index.json in it",
                  "name .jsonl files, or a folder that hone prepare has written");
    flush();
    prepared.folders.push_back(input);
  }
  flush();
  return prepared;
}

}  // namespace hone::data
