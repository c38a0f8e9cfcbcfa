#include "core/formats/random_model.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/error.h"
#include "core/base/philox.h"
#include "core/formats/expected_tensors.h"
#include "core/formats/hf_config.h"

namespace hone::formats {
namespace {

constexpr std::uint32_t kUse = 0x696e6974u;  // keeps this use of the generator apart from all others

// Values 4 * block ... 4 * block + 3 of a tensor, standard normal.
std::array<float, 4> normals(std::uint64_t block, std::uint64_t name, std::uint64_t seed) {
  const PhiloxCounter words =
      philox({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
              static_cast<std::uint32_t>(name), kUse ^ static_cast<std::uint32_t>(name >> 32)},
             philox_key(seed));
  std::array<float, 4> values;
  for (int pair = 0; pair < 4; pair += 2) {
    const double radius = std::sqrt(-2 * std::log((words[pair] + 0.5) * 0x1.0p-32));
    const double angle = 2 * std::numbers::pi * words[pair + 1] * 0x1.0p-32;
    values[pair] = static_cast<float>(radius * std::cos(angle));
    values[pair + 1] = static_cast<float>(radius * std::sin(angle));
  }
  return values;
}

class RandomSource final : public TensorSource {
 public:
  RandomSource(const ModelConfig& config, std::string folder, std::uint64_t seed)
      : tensors_(expected_tensors(config)),
        folder_(std::move(folder)),
        seed_(seed),
        deviation_(static_cast<float>(config.initializer_range)),
        padding_row_(config.pad_id) {
    std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }

  void read_rows(const TensorInfo& tensor, std::int64_t begin, std::int64_t end, float* out) const override {
    HONE_CHECK(begin >= 0 && begin <= end && end <= tensor.shape[0]);
    if (tensor.shape.size() == 1) {
      std::fill_n(out, end - begin, tensor.name.ends_with(".bias") ? 0.0f : 1.0f);
      return;
    }
    const std::int64_t width = tensor.shape[1];
    const std::uint64_t name = XXH3_64bits(tensor.name.data(), tensor.name.size());
    std::array<float, 4> block{};
    for (std::int64_t i = begin * width; i < end * width; ++i) {
      if (i % 4 == 0 || i == begin * width) block = normals(static_cast<std::uint64_t>(i / 4), name, seed_);
      out[i - begin * width] = block[i % 4] * deviation_;
    }
    if (tensor.name == "model.embed_tokens.weight" && padding_row_ >= begin && padding_row_ < end)
      std::fill_n(out + (padding_row_ - begin) * width, width, 0.0f);
  }

  std::span<const std::byte> raw(const TensorInfo&) const override { return {}; }
  std::optional<Nf4Parts> nf4(const TensorInfo&) const override { return std::nullopt; }
  std::string describe(const TensorInfo& tensor) const override {
    return folder_ + " (random): " + tensor.name;
  }

 private:
  std::vector<TensorInfo> tensors_;
  std::string folder_;
  std::uint64_t seed_;
  float deviation_;
  std::int64_t padding_row_;
};

}  // namespace

ModelFiles random_model(const std::string& folder, std::uint64_t seed) {
  ModelFiles model;
  model.config = read_hf_config(folder);
  model.tensors = std::make_unique<RandomSource>(model.config, folder, seed);
  model.fingerprint = fingerprint_of(model.config, *model.tensors);
  return model;
}

}  // namespace hone::formats
