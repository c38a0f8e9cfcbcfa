#include "core/formats/edited_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>

#include "core/base/error.h"

namespace hone::formats {
namespace {

constexpr const char* kEmbedding = "model.embed_tokens.weight";
constexpr const char* kHead = "lm_head.weight";

struct Replacement {
  TensorInfo info;
  std::function<void(std::int64_t begin, std::int64_t end, float* out)> read;
  std::string description;
};

class EditedSource final : public TensorSource {
 public:
  EditedSource(std::unique_ptr<TensorSource> base, std::vector<Replacement> replacements) : base_(std::move(base)) {
    for (Replacement& one : replacements) replaced_.emplace(one.info.name, std::move(one));
    for (const TensorInfo& info : base_->tensors())
      if (!replaced_.contains(info.name)) tensors_.push_back(info);
    for (const auto& [name, one] : replaced_) tensors_.push_back(one.info);
    std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  void read_rows(const TensorInfo& tensor, std::int64_t begin, std::int64_t end, float* out) const override {
    const Replacement* one = replacement(tensor);
    one ? one->read(begin, end, out) : base_->read_rows(tensor, begin, end, out);
  }
  std::span<const std::byte> raw(const TensorInfo& tensor) const override {
    return replacement(tensor) ? std::span<const std::byte>() : base_->raw(tensor);
  }
  std::optional<Nf4Parts> nf4(const TensorInfo& tensor) const override {
    return replacement(tensor) ? std::nullopt : base_->nf4(tensor);
  }
  std::string describe(const TensorInfo& tensor) const override {
    const Replacement* one = replacement(tensor);
    return one ? one->description : base_->describe(tensor);
  }

 private:
  const Replacement* replacement(const TensorInfo& tensor) const {
    const auto it = replaced_.find(tensor.name);
    return it == replaced_.end() ? nullptr : &it->second;
  }

  std::unique_ptr<TensorSource> base_;
  std::map<std::string, Replacement> replaced_;
  std::vector<TensorInfo> tensors_;
};

ModelFiles replace(ModelFiles model, std::vector<Replacement> replacements) {
  model.tensors = std::make_unique<EditedSource>(std::move(model.tensors), std::move(replacements));
  model.fingerprint = fingerprint_of(model.config, *model.tensors);
  return model;
}

// The mean of all rows, summed in fp64.
std::vector<float> mean_row(const TensorSource& source, const TensorInfo& matrix) {
  constexpr std::int64_t kRows = 256;
  const std::int64_t width = matrix.shape[1];
  std::vector<double> sum(width, 0.0);
  std::vector<float> rows(kRows * width);
  for (std::int64_t begin = 0; begin < matrix.shape[0]; begin += kRows) {
    const std::int64_t end = std::min(begin + kRows, matrix.shape[0]);
    source.read_rows(matrix, begin, end, rows.data());
    for (std::int64_t i = 0; i < (end - begin) * width; ++i) sum[i % width] += rows[i];
  }
  std::vector<float> mean(width);
  for (std::int64_t f = 0; f < width; ++f) mean[f] = static_cast<float>(sum[f] / static_cast<double>(matrix.shape[0]));
  return mean;
}

Replacement grown(const TensorSource& source, const TensorInfo& matrix, std::int64_t rows) {
  Replacement one{matrix, {}, source.describe(matrix)};
  one.info.shape[0] = rows;
  one.read = [&source, matrix, mean = mean_row(source, matrix)](std::int64_t begin, std::int64_t end, float* out) {
    const std::int64_t old = std::min(end, matrix.shape[0]), width = matrix.shape[1];
    if (begin < old) source.read_rows(matrix, begin, old, out);
    for (std::int64_t row = std::max(begin, old); row < end; ++row)
      std::copy(mean.begin(), mean.end(), out + (row - begin) * width);
  };
  return one;
}

bool is_embedding_or_head(const std::string& tensor) { return tensor == kEmbedding || tensor == kHead; }

void require_fit(const PeftAdapter& adapter, const SafetensorsEntry& entry, const TensorInfo* own) {
  const auto refuse = [&](const std::string& why) {
    throw Error(Exit::input, "AD013", "module of an adapter does not fit the model",
                adapter.file().path() + ": " + entry.info.name, why, "is this adapter for another model?");
  };
  if (!own) refuse("the model has no such tensor");
  if (is_block_linear(*own)) refuse("a linear of a block is adapted, not held whole");
  if (entry.info.shape != own->shape)
    refuse(fmt::format("[{}], the model has [{}]", fmt::join(entry.info.shape, ", "), fmt::join(own->shape, ", ")));
}

}  // namespace

ModelFiles with_vocabulary(ModelFiles model, std::int64_t vocab_size) {
  HONE_CHECK(vocab_size >= model.config.vocab_size);
  if (vocab_size == model.config.vocab_size) return model;
  std::vector<Replacement> matrices;
  for (const char* name : {kEmbedding, kHead})
    if (const TensorInfo* info = model.tensors->find(name)) matrices.push_back(grown(*model.tensors, *info, vocab_size));
  model.config.vocab_size = vocab_size;
  return replace(std::move(model), std::move(matrices));
}

ModelFiles untied(ModelFiles model) {
  if (!model.config.tie_embeddings) return model;
  const TensorInfo embedding = *model.tensors->find(kEmbedding);
  Replacement head{embedding, {}, model.tensors->describe(embedding)};
  head.info.name = kHead;
  head.read = [source = model.tensors.get(), embedding](std::int64_t begin, std::int64_t end, float* out) {
    source->read_rows(embedding, begin, end, out);
  };
  model.config.tie_embeddings = false;
  return replace(std::move(model), {std::move(head)});
}

ModelFiles with_saved_modules(ModelFiles model, const PeftAdapter& adapter) {
  if (adapter.saved().empty()) return model;
  std::int64_t vocab_size = model.config.vocab_size;
  for (const PeftSaved& saved : adapter.saved()) {
    if (!is_embedding_or_head(saved.tensor)) continue;
    vocab_size = std::max(vocab_size, saved.entry->info.shape.at(0));
    if (model.config.tie_embeddings) model = untied(std::move(model));
  }
  model = with_vocabulary(std::move(model), vocab_size);
  std::vector<Replacement> modules;
  for (const PeftSaved& saved : adapter.saved()) {
    const TensorInfo* own = model.tensors->find(saved.tensor);
    require_fit(adapter, *saved.entry, own);
    Replacement one{{saved.tensor, saved.entry->info.dtype, saved.entry->info.shape}, {}, adapter.file().path()};
    one.read = [entry = saved.entry](std::int64_t begin, std::int64_t end, float* out) {
      PeftAdapter::read_rows(*entry, begin, end, out);
    };
    modules.push_back(std::move(one));
  }
  return replace(std::move(model), std::move(modules));
}

}  // namespace hone::formats
