#include "core/generate/generator.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/device/device.h"
#include "core/generate/sampler_on_cuda.h"
#include "core/nn/kv_cache.h"

namespace hone::generate {
namespace {

// One prompt under way.
struct Stream {
  std::size_t prompt;             // place in the list
  std::uint64_t index;            // keys the sampling
  std::int64_t row;               // of the cache
  std::vector<std::int32_t> ids;  // prompt and answer
  std::size_t prompt_length;
  std::size_t seen = 0;  // ids that are in the cache

  std::uint64_t answered() const { return ids.size() - prompt_length; }
  Answer answer() const { return {ids.begin() + static_cast<std::ptrdiff_t>(prompt_length), ids.end()}; }
};

Stream make_stream(std::size_t place, std::int64_t row, const Prompt& prompt) {
  HONE_CHECK(!prompt.ids.empty());
  return {place, prompt.index, row, prompt.ids, prompt.ids.size()};
}

TokenBatch next_batch(const std::vector<Stream>& streams) {
  TokenBatch batch;
  for (const Stream& stream : streams) {
    for (std::size_t i = stream.seen; i < stream.ids.size(); ++i) {
      batch.tokens.push_back(stream.ids[i]);
      batch.positions.push_back(static_cast<std::int32_t>(i));
    }
    batch.cu_seqlens.push_back(static_cast<std::int32_t>(batch.tokens.size()));
    batch.sample.push_back(stream.row);
    batch.slot.push_back(0);
    batch.prefix.push_back(-1);
  }
  return batch;
}

// Logits after the last token of each stream, [streams, V].
at::Tensor next_logits(const model::Model& model, const std::vector<Stream>& streams, nn::KvCache& cache,
                       nn::AdapterMode adapters) {
  const TokenBatch batch = next_batch(streams);
  std::vector<std::int64_t> rows, last;
  for (std::size_t s = 0; s < streams.size(); ++s) {
    rows.push_back(streams[s].row);
    last.push_back(batch.cu_seqlens[s + 1] - 1);
  }
  cache.begin(rows, {batch.cu_seqlens.begin(), batch.cu_seqlens.end()});
  const at::Tensor hidden = model.forward(batch, {.adapters = adapters, .cache = &cache});
  cache.end();
  const at::Tensor index = at::tensor(at::ArrayRef<std::int64_t>(last), at::kLong).to(hidden.device());
  return model.head().weight->times_transposed(hidden.index_select(0, index));
}

nn::KvCache make_cache(const model::Model& model, std::int64_t rows, std::int64_t capacity) {
  const formats::ModelConfig& config = model.config();
  return nn::KvCache({config.num_layers, rows, capacity, config.num_kv_heads, config.head_dim},
                     at::TensorOptions().dtype(model.compute()).device(model.device()));
}

std::vector<std::int32_t> next_ids(const at::Tensor& logits, const std::vector<Stream>& streams,
                                   const SamplerSettings& settings) {
  std::vector<Seen> seen;
  std::vector<Draw> draws;
  for (const Stream& stream : streams) {
    seen.emplace_back(stream.ids);
    draws.push_back({stream.index, stream.answered()});
  }
  if (device::has_cuda_kernel(logits)) return sample_on_cuda(logits, seen, settings, draws);
  const at::Tensor here = logits.to(at::kFloat).cpu();
  const auto vocab = static_cast<std::size_t>(here.size(1));
  std::vector<std::int32_t> ids;
  for (std::size_t s = 0; s < streams.size(); ++s)
    ids.push_back(sample({here.const_data_ptr<float>() + s * vocab, vocab}, seen[s], settings, draws[s]));
  return ids;
}

// Whether the stream goes on after its next token.
bool advance(Stream& stream, std::int32_t id, const GenerateSettings& settings, const Watcher& watcher) {
  stream.seen = stream.ids.size();
  stream.ids.push_back(id);
  const bool stopped = watcher.stop && watcher.stop(stream.prompt, id);
  const bool ended =
      std::find(settings.end_ids.begin(), settings.end_ids.end(), id) != settings.end_ids.end();
  return !stopped && !ended && static_cast<std::int64_t>(stream.answered()) < settings.max_new_tokens;
}

// All streams to their ends.
void run(const model::Model& model, std::vector<Stream> streams, nn::KvCache& cache,
         const GenerateSettings& settings, const Watcher& watcher, std::span<Answer> answers) {
  while (!streams.empty()) {
    const at::Tensor logits = next_logits(model, streams, cache, settings.adapters);
    const std::vector<std::int32_t> ids = next_ids(logits, streams, settings.sampler);
    std::vector<Stream> going_on;
    for (std::size_t s = 0; s < streams.size(); ++s) {
      Stream& stream = streams[s];
      if (advance(stream, ids[s], settings, watcher)) {
        going_on.push_back(std::move(stream));
        continue;
      }
      answers[stream.prompt] = stream.answer();
      if (watcher.done) watcher.done(stream.prompt, answers[stream.prompt]);
    }
    streams = std::move(going_on);
  }
}

}  // namespace

std::vector<Answer> generate(const model::Model& model, const std::vector<Prompt>& prompts,
                             const GenerateSettings& settings, const Watcher& watcher) {
  std::vector<Answer> answers(prompts.size());
  const auto group = static_cast<std::size_t>(settings.group);
  for (std::size_t first = 0; first < prompts.size(); first += group) {
    const std::size_t last = std::min(prompts.size(), first + group);
    std::vector<Stream> streams;
    std::size_t longest = 0;
    for (std::size_t p = first; p < last; ++p) {
      streams.push_back(make_stream(p, static_cast<std::int64_t>(p - first), prompts[p]));
      longest = std::max(longest, prompts[p].ids.size());
    }
    nn::KvCache cache = make_cache(model, static_cast<std::int64_t>(last - first),
                                   static_cast<std::int64_t>(longest) + settings.max_new_tokens);
    run(model, std::move(streams), cache, settings, watcher, answers);
  }
  return answers;
}

struct Conversation::Memory {
  nn::KvCache cache;
  std::int64_t capacity;
  std::vector<std::int32_t> ids = {};  // whose keys and values are in the cache
};

Conversation::Conversation(const model::Model& model, GenerateSettings settings)
    : model_(model), settings_(std::move(settings)) {}

Conversation::~Conversation() = default;

Answer Conversation::answer(const Prompt& prompt, const Watcher& watcher) {
  Stream stream = make_stream(0, 0, prompt);
  const std::int64_t needed = static_cast<std::int64_t>(prompt.ids.size()) + settings_.max_new_tokens;
  if (!memory_ || memory_->capacity < needed)  // twice, so that few turns start over
    memory_.reset(new Memory{make_cache(model_, 1, 2 * needed), 2 * needed});
  const auto shared =
      std::mismatch(memory_->ids.begin(), memory_->ids.end(), prompt.ids.begin(), prompt.ids.end());
  stream.seen =
      std::min(static_cast<std::size_t>(shared.first - memory_->ids.begin()), prompt.ids.size() - 1);
  memory_->cache.truncate(0, static_cast<std::int64_t>(stream.seen));
  memory_->ids.resize(stream.seen);
  Answer answer;
  run(model_, {std::move(stream)}, memory_->cache, settings_, watcher, {&answer, 1});
  memory_->ids = prompt.ids;
  memory_->ids.insert(memory_->ids.end(), answer.begin(), answer.end() - 1);  // the last was never fed
  return answer;
}

}  // namespace hone::generate
