#pragma once
// Raw rows to a prepared folder, by all ranks together. What becomes a shard depends on the input alone and
// shards are numbered in the input's order, so the folder is byte for byte the same for any number of ranks.
#include <string>
#include <vector>

#include "core/ports/communicator.h"
#include "data/shard/lint.h"
#include "data/shard/reading.h"
#include "data/text/chat_template.h"
#include "data/text/tokenizer.h"

namespace hone::data {

struct PrepareJob {
  std::vector<std::string> inputs;  // JSON Lines files
  std::string format = "auto";      // data.format
  Reading reading;                  // for the report only
  const Tokenizer* tokenizer = nullptr;
  const ChatTemplate* chat_template = nullptr;
};

// Writes `output`, which must not exist yet, under a temporary name and renames it into place. Every rank
// returns the same report, or throws the same Error. Errors in rows name file:line.
PrepareReport prepare(const PrepareJob& job, const std::string& output, Communicator& comm);

// CACHE_ROOT/hone-cache/KEY, where KEY stands for the content of the inputs, the format, tokenizer, template
// and the version of the shard format.
std::string prepared_cache_dir(const std::string& cache_root, const PrepareJob& job);

struct Prepared {
  std::vector<std::string> folders;    // in the order of the inputs, for PreparedSet
  std::vector<PrepareReport> reports;  // of those prepared just now; cached ones give none
};

// data.train or data.eval: prepared folders as they are, neighbouring raw files prepared together (`apart`:
// each by itself, a folder an input) into the cache unless they are there already. All ranks.
Prepared prepare_inputs(const PrepareJob& settings, const std::string& cache_root, Communicator& comm,
                        bool apart = false);

}  // namespace hone::data
