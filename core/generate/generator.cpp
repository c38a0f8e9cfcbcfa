#include "core/generate/generator.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/nn/kv_cache.h"

namespace hone::generate {
namespace {

// One prompt of the group under way.
struct Stream {
  std::size_t prompt;
  std::int64_t row;                 // of the cache
  std::vector<std::int32_t> input;  // not yet seen by the model
  std::int64_t seen = 0;
};

TokenBatch next_batch(const std::vector<Stream>& streams) {
  TokenBatch batch;
  for (const Stream& stream : streams) {
    for (std::size_t i = 0; i < stream.input.size(); ++i) {
      batch.tokens.push_back(stream.input[i]);
      batch.positions.push_back(static_cast<std::int32_t>(stream.seen + static_cast<std::int64_t>(i)));
    }
    batch.cu_seqlens.push_back(static_cast<std::int32_t>(batch.tokens.size()));
    batch.sample.push_back(stream.row);
    batch.slot.push_back(0);
    batch.prefix.push_back(-1);
  }
  return batch;
}

// Logits after the last token of each stream, [streams, V] fp32.
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
  const at::Tensor picked = hidden.index_select(0, at::tensor(at::ArrayRef<std::int64_t>(last), at::kLong));
  return model.head().weight->times_transposed(picked).to(at::kFloat);
}

nn::KvCache make_cache(const model::Model& model, std::int64_t rows, std::int64_t capacity) {
  const formats::ModelConfig& config = model.config();
  return nn::KvCache({config.num_layers, rows, capacity, config.num_kv_heads, config.head_dim},
                     at::TensorOptions().dtype(model.compute()));
}

// Takes the next token of every stream; those that go on keep it as their input.
std::vector<Stream> advance(std::vector<Stream> streams, const at::Tensor& logits, const std::vector<Prompt>& prompts,
                            const GenerateSettings& settings, std::vector<Answer>& answers, const Done& done) {
  std::vector<Stream> going_on;
  for (std::size_t s = 0; s < streams.size(); ++s) {
    Stream& stream = streams[s];
    Answer& answer = answers[stream.prompt];
    const std::span<const float> row(logits.const_data_ptr<float>() + s * logits.size(1), logits.size(1));
    const std::int32_t id = sample(row, settings.sampler, {prompts[stream.prompt].index, answer.size()});
    answer.push_back(id);
    stream.seen += static_cast<std::int64_t>(stream.input.size());
    stream.input = {id};
    const bool ended = std::find(settings.end_ids.begin(), settings.end_ids.end(), id) != settings.end_ids.end();
    if (!ended && static_cast<std::int64_t>(answer.size()) < settings.max_new_tokens) {
      going_on.push_back(std::move(stream));
    } else if (done) {
      done(stream.prompt, answer);
    }
  }
  return going_on;
}

}  // namespace

std::vector<Answer> generate(const model::Model& model, const std::vector<Prompt>& prompts,
                             const GenerateSettings& settings, const Done& done) {
  std::vector<Answer> answers(prompts.size());
  const auto group = static_cast<std::size_t>(settings.group);
  for (std::size_t first = 0; first < prompts.size(); first += group) {
    const std::size_t last = std::min(prompts.size(), first + group);
    std::vector<Stream> streams;
    std::size_t longest = 0;
    for (std::size_t p = first; p < last; ++p) {
      HONE_CHECK(!prompts[p].ids.empty());
      streams.push_back({p, static_cast<std::int64_t>(p - first), prompts[p].ids});
      longest = std::max(longest, prompts[p].ids.size());
    }
    nn::KvCache cache = make_cache(model, static_cast<std::int64_t>(last - first),
                                   static_cast<std::int64_t>(longest) + settings.max_new_tokens);
    while (!streams.empty()) {
      const at::Tensor logits = next_logits(model, streams, cache, settings.adapters);
      streams = advance(std::move(streams), logits, prompts, settings, answers, done);
    }
  }
  return answers;
}

}  // namespace hone::generate
