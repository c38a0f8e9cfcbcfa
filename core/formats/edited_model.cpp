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
  EditedSource(std::unique_ptr<TensorSource> base, std::vector<Replacement> replacements)
      : base_(std::move(base)) {
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
  for (std::int64_t f = 0; f < width; ++f)
    mean[f] = static_cast<float>(sum[f] / static_cast<double>(matrix.shape[0]));
  return mean;
}

Replacement grown(const TensorSource& source, const TensorInfo& matrix, std::int64_t rows) {
  Replacement one{matrix, {}, source.describe(matrix)};
  one.info.shape[0] = rows;
  one.read = [&source, matrix, mean = mean_row(source, matrix)](std::int64_t begin, std::int64_t end,
                                                                float* out) {
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
    refuse(fmt::format("[{}], the model has [{}]", fmt::join(entry.info.shape, ", "),
                       fmt::join(own->shape, ", ")));
}

void require_fit(const PeftAdapter& adapter, const PeftTokenRows& rows, const TensorInfo* own) {
  const bool whole = std::any_of(adapter.saved().begin(), adapter.saved().end(),
                                 [&](const PeftSaved& saved) { return saved.tensor == rows.tensor; });
  const bool fits = own && own->shape.at(1) == rows.entry->info.shape[1] &&
                    (!rows.table || own->shape.at(1) == rows.table->info.shape[1]);
  if (fits && !whole) return;
  throw Error(Exit::input, "AD013", "module of an adapter does not fit the model",
              adapter.file().path() + ": " + rows.entry->info.name,
              !own ? "the model has no such tensor"
              : whole
                  ? "the adapter holds the module whole as well"
                  : fmt::format("rows of {}, the model's have {}", rows.entry->info.shape[1], own->shape[1]),
              "is this adapter for another model?");
}

// Rows beyond the model's are those of new tokens: at most as many as the adapter has, so that what a file says decides
// no size that it does not have.
void require_close(const PeftAdapter& adapter, const PeftTokenRows& rows, std::int64_t own_rows) {
  std::int64_t known = own_rows;
  for (const PeftSaved& saved : adapter.saved())
    if (is_embedding_or_head(saved.tensor)) known = std::max(known, saved.entry->info.shape.at(0));
  for (const PeftTokenRows& some : adapter.token_rows())
    known = std::max(known, some.table ? some.table->info.shape[0] : own_rows + std::ssize(some.ids));
  for (const std::int64_t id : rows.ids)
    if (id >= known)
      throw Error(Exit::input, "AD013", "module of an adapter does not fit the model",
                  adapter.file().path() + ": " + rows.entry->info.name,
                  fmt::format("a row for token {}, the model has {} rows", id, own_rows),
                  "is this adapter for another model?");
}

Replacement with_rows(const TensorSource& source, const PeftTokenRows& rows) {
  const TensorInfo matrix = *source.find(rows.tensor);
  std::map<std::int64_t, std::int64_t> place;  // of an id in the adapter
  for (std::size_t i = 0; i < rows.ids.size(); ++i) place[rows.ids[i]] = static_cast<std::int64_t>(i);
  Replacement one{matrix, {}, source.describe(matrix)};
  one.read = [&source, matrix, place, entry = rows.entry, table = rows.table](std::int64_t begin,
                                                                              std::int64_t end, float* out) {
    const std::int64_t others = table ? std::clamp(table->info.shape[0], begin, end) : begin;
    if (others > begin) PeftAdapter::read_rows(*table, begin, others, out);
    if (end > others) source.read_rows(matrix, others, end, out + (others - begin) * matrix.shape[1]);
    for (auto at = place.lower_bound(begin); at != place.end() && at->first < end; ++at)
      PeftAdapter::read_rows(*entry, at->second, at->second + 1, out + (at->first - begin) * matrix.shape[1]);
  };
  return one;
}

}  // namespace

ModelFiles with_vocabulary(ModelFiles model, std::int64_t vocab_size) {
  HONE_CHECK(vocab_size >= model.config.vocab_size);
  if (vocab_size == model.config.vocab_size) return model;
  std::vector<Replacement> matrices;
  for (const char* name : {kEmbedding, kHead})
    if (const TensorInfo* info = model.tensors->find(name))
      matrices.push_back(grown(*model.tensors, *info, vocab_size));
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

std::int64_t vocabulary_rows(const PeftAdapter& adapter) {
  std::int64_t rows = 0;
  for (const PeftSaved& saved : adapter.saved())
    if (is_embedding_or_head(saved.tensor)) rows = std::max(rows, saved.entry->info.shape.at(0));
  for (const PeftTokenRows& some : adapter.token_rows())
    for (const std::int64_t id : some.ids) rows = std::max(rows, id + 1);
  for (const PeftTokenRows& some : adapter.token_rows())
    if (some.table) rows = std::max(rows, some.table->info.shape[0]);
  return rows;
}

ModelFiles with_replaced(ModelFiles model, const PeftAdapter& adapter) {
  if (!adapter.replaces()) return model;
  for (const PeftSaved& saved : adapter.saved()) {
    if (is_embedding_or_head(saved.tensor)) model = untied(std::move(model));
  }
  const std::int64_t own_rows = model.config.vocab_size, rows = std::max(own_rows, vocabulary_rows(adapter));
  for (const PeftTokenRows& some : adapter.token_rows()) require_close(adapter, some, own_rows);
  model = with_vocabulary(std::move(model), rows);
  std::vector<Replacement> modules;
  for (const PeftSaved& saved : adapter.saved()) {
    const TensorInfo* own = model.tensors->find(saved.tensor);
    require_fit(adapter, *saved.entry, own);
    Replacement one{
        {saved.tensor, saved.entry->info.dtype, saved.entry->info.shape}, {}, adapter.file().path()};
    one.read = [entry = saved.entry](std::int64_t begin, std::int64_t end, float* out) {
      PeftAdapter::read_rows(*entry, begin, end, out);
    };
    modules.push_back(std::move(one));
  }
  for (const PeftTokenRows& some : adapter.token_rows()) {
    require_fit(adapter, some, model.tensors->find(some.tensor));
    modules.push_back(with_rows(*model.tensors, some));
  }
  return replace(std::move(model), std::move(modules));
}

}  // namespace hone::formats
