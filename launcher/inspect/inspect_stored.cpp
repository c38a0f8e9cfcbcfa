#include <fmt/format.h>

#include <algorithm>

#include "checkpoint/checkpoint.h"
#include "core/base/error.h"
#include "core/base/file_system.h"
#include "data/load/prepared_set.h"
#include "data/shard/shard_index.h"
#include "launcher/inspect/inspect.h"

namespace hone::launcher {
namespace {

void require_folder(const std::string& folder) {
  if (!is_directory(folder))
    throw Error(Exit::input, "FS001", "cannot read", folder, "not a folder that exists");
}

OrderedJson sources_of(const data::ShardIndex& index) {
  OrderedJson out = OrderedJson::array();
  for (const data::SourceFile& file : index.sources)
    out.push_back({{"path", file.path}, {"rows", file.rows}, {"bytes", file.bytes}});
  return out;
}

}  // namespace

void inspect_data(const std::string& folder, TextOutput& out) {
  require_folder(folder);
  const data::ShardIndex index = data::read_shard_index(folder);
  const data::PreparedSet set({folder}, index.fingerprint, {});
  set.verify();
  std::int64_t longest = 0, supervised = 0;
  for (std::int64_t row = 0; row < set.size(); ++row) {
    const data::Sample sample = set.read(row);
    longest = std::max(longest, static_cast<std::int64_t>(sample.ids.size()));
    supervised += std::count(sample.supervised.begin(), sample.supervised.end(), 1);
  }
  out.json({{"format", index.format},
            {"rows", index.rows()},
            {"tokens", index.tokens()},
            {"supervised_tokens", supervised},
            {"longest", longest},
            {"rows_without_target", set.without_target(0, set.size()).size()},
            {"shards", index.shards.size()},
            {"vocab_size", index.fingerprint.vocab_size},
            {"tokenizer", fmt::format("{:016x}", index.fingerprint.tokenizer)},
            {"chat_template", fmt::format("{:016x}", index.fingerprint.chat_template)},
            {"sources", sources_of(index)},
            {"verified", true}});
}

void inspect_checkpoint(const std::string& folder, TextOutput& out) {
  require_folder(folder);
  OrderedJson summary(checkpoint::verify_checkpoint(folder));
  summary["verified"] = true;
  out.json(summary);
}

}  // namespace hone::launcher
