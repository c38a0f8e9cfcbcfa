#include "launcher/held_out.h"

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "data/load/window_batch.h"
#include "data/source/jsonl_source.h"
#include "launcher/micro_tokens.h"

namespace hone::launcher {
namespace {

struct Texts {
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::int64_t> rows;
  std::vector<std::pair<std::int64_t, data::RowWindow>> windows;  // of which text
};

void require_fitting(const Config& config, std::int64_t stride) {
  if (stride > config.data.max_length)
    throw Error(
        Exit::usage, "US052", "windows would leave tokens out", "--stride",
        std::to_string(stride) + " is more than data.max_length, " + std::to_string(config.data.max_length),
        "a window has data.max_length tokens");
  for (const std::string& path : config.data.eval)
    if (is_directory(path))
      throw Error(Exit::usage, "US053", "sliding windows need the texts themselves", "data.eval", path,
                  "give the JSON Lines file instead of the prepared folder");
}

const std::string& plain_text(const data::Example& example) {
  if (example.kind != data::RowKind::plain || !example.prompt_text.empty())
    throw Error(Exit::input, "DS051", "row is no plain text", "row " + std::to_string(example.row),
                "--stride is for rows with `text` alone", "leave --stride out");
  return example.completion_text;
}

}  // namespace

void require_targets(const data::SampleSet& held_out) {
  if (std::ssize(held_out.without_target(0, held_out.size())) < held_out.size()) return;
  throw Error(Exit::input, "DS026", "nothing to score", "held-out rows",
              "none has a target within data.max_length", "raise data.max_length, or give rows with answers");
}

HeldOutSet held_out_rows(CommandContext& context, const TextTools& tools, Communicator& communicator) {
  const Config& config = context.config();
  const std::string cache = cache_root_of(config.run.dir.empty() ? "runs/evaluate" : config.run.dir);
  const auto set = open_rows(config.data.eval, config, tools, cache, communicator).set;
  require_targets(*set);
  resolve_micro_tokens(context, Purpose::infer, {set.get()}, communicator);
  const auto pass = std::make_shared<data::EvalPass>(set, *config.train.micro_tokens, communicator.rank(),
                                                     communicator.world_size());
  return {set->row_count(),
          [pass, set](const train::BatchVisitor& visit) {
            for (std::int64_t b = 0; b < pass->bin_count(); ++b) {
              TokenBatch batch = pass->bin(b);
              for (std::int64_t& sample : batch.sample)
                sample = set->row(sample);  // chunks count for their row
              visit(batch);
            }
          },
          [](std::int64_t place) { return place; }};
}

HeldOutSet held_out_texts(const Config& config, std::int64_t stride, const TextTools& tools,
                          const Communicator& communicator) {
  require_fitting(config, stride);
  const data::Reading windows = data::sliding_windows(config.data.max_length, stride);
  const auto texts = std::make_shared<Texts>();
  for (const data::Example& example : data::read_examples(config.data.eval, config.data.format)) {
    const auto text = static_cast<std::int64_t>(texts->ids.size());
    texts->ids.push_back(tools.tokenizer->encode_prompt(plain_text(example)));
    texts->rows.push_back(example.row);
    const auto tokens = static_cast<std::int64_t>(texts->ids.back().size());
    for (std::int64_t w = 0; tokens > 0 && w < data::window_count(tokens, windows); ++w)
      texts->windows.emplace_back(text, data::window_of(tokens, w, windows));
  }
  const auto rank = static_cast<std::size_t>(communicator.rank());
  const auto ranks = static_cast<std::size_t>(communicator.world_size());
  return {static_cast<std::int64_t>(texts->ids.size()),
          [texts, rank, ranks](const train::BatchVisitor& visit) {
            for (std::size_t w = rank; w < texts->windows.size(); w += ranks) {
              const auto& [text, window] = texts->windows[w];
              visit(data::window_batch(texts->ids[text], window, text));
            }
          },
          [texts](std::int64_t place) { return texts->rows[place]; }};
}

}  // namespace hone::launcher
