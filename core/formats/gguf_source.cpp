#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "core/base/error.h"
#include "core/formats/decode.h"
#include "core/formats/gguf_model.h"

namespace hone::formats {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kTopNames{
    {{"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}}};
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kBlockNames{
    {{"attn_norm", "input_layernorm"},
     {"attn_q", "self_attn.q_proj"},
     {"attn_k", "self_attn.k_proj"},
     {"attn_v", "self_attn.v_proj"},
     {"attn_output", "self_attn.o_proj"},
     {"ffn_norm", "post_attention_layernorm"},
     {"ffn_gate", "mlp.gate_proj"},
     {"ffn_up", "mlp.up_proj"},
     {"ffn_down", "mlp.down_proj"}}};

std::optional<std::string> translate(auto& table, std::string_view stem) {
  for (const auto& [from, to] : table)
    if (from == stem) return std::string(to);
  return std::nullopt;
}

class GgufSource : public TensorSource {
 public:
  GgufSource(std::shared_ptr<const GgufFile> file, const ModelConfig& config)
      : file_(std::move(file)), head_dim_(config.head_dim), family_(config.family) {
    for (const GgufTensor& tensor : file_->tensors())
      if (tensor.name != kRopeDivisors) add(tensor);
    std::sort(infos_.begin(), infos_.end(), [](auto& a, auto& b) { return a.name < b.name; });
  }

  const std::vector<TensorInfo>& tensors() const override { return infos_; }

  void read_rows(const TensorInfo& tensor, std::int64_t begin, std::int64_t end, float* out) const override {
    const GgufTensor& stored = stored_of(tensor);
    HONE_CHECK(begin >= 0 && begin <= end && end <= stored.shape[0]);
    if (stored.shape.size() == 1) return read_vector(stored, begin, end, out);
    std::int64_t width = 1;
    for (std::size_t i = 1; i < stored.shape.size(); ++i) width *= stored.shape[i];
    const auto row_bytes = static_cast<std::int64_t>(stored.bytes.size()) / stored.shape[0];
    const std::byte* base = stored.bytes.data();
    if (!permuted(stored)) return decode(*stored.dtype, base + begin * row_bytes, (end - begin) * width, out);
    for (std::int64_t row = begin; row < end; ++row, out += width)
      decode(*stored.dtype, base + stored_row(row) * row_bytes, width, out);
  }

  std::span<const std::byte> raw(const TensorInfo& tensor) const override {
    const GgufTensor& stored = stored_of(tensor);
    return permuted(stored) ? std::span<const std::byte>{} : stored.bytes;
  }

  std::optional<Nf4Parts> nf4(const TensorInfo&) const override { return std::nullopt; }

  std::string describe(const TensorInfo& tensor) const override {
    return file_->path() + ": " + stored_of(tensor).name;
  }

 private:
  void add(const GgufTensor& tensor) {
    const auto name = hf_name_of(tensor.name);
    if (!name)
      throw Error(Exit::input, "MD003", "tensor not expected", file_->path() + ": " + tensor.name,
                  "it does not belong to the " + family_ + " architecture");
    if (!tensor.dtype)
      throw Error(Exit::input, "GG012", "tensor type not supported", file_->path() + ": " + tensor.name,
                  tensor.type_name, "known are F32, F16, BF16, Q8_0, Q4_0 and Q4_1");
    infos_.push_back({*name, *tensor.dtype, tensor.shape});
    stored_.emplace(*name, &tensor);
    if (permuted(tensor) && tensor.shape[0] % head_dim_ != 0)
      throw Error(
          Exit::input, "MD004", "tensor of the wrong shape", file_->path() + ": " + tensor.name,
          std::to_string(tensor.shape[0]) + " rows are no whole heads of " + std::to_string(head_dim_));
  }

  const GgufTensor& stored_of(const TensorInfo& tensor) const {
    const auto it = stored_.find(tensor.name);
    HONE_CHECK(it != stored_.end());
    return *it->second;
  }

  bool permuted(const GgufTensor& tensor) const {
    return family_ == "llama" && (tensor.name.find(".attn_q.") != std::string::npos ||
                                  tensor.name.find(".attn_k.") != std::string::npos);
  }

  // llama.cpp rotates neighbours (2i, 2i + 1) where Hugging Face rotates halves (i, i + head_dim / 2).
  std::int64_t stored_row(std::int64_t row) const {
    const std::int64_t in_head = row % head_dim_, half = head_dim_ / 2;
    return row - in_head + 2 * (in_head % half) + in_head / half;
  }

  // Single elements of a block cannot be decoded, and vectors are short.
  void read_vector(const GgufTensor& stored, std::int64_t begin, std::int64_t end, float* out) const {
    std::vector<float> all(static_cast<std::size_t>(stored.shape[0]));
    decode(*stored.dtype, stored.bytes.data(), stored.shape[0], all.data());
    for (std::int64_t i = begin; i < end; ++i)
      *out++ = all[static_cast<std::size_t>(permuted(stored) ? stored_row(i) : i)];
  }

  std::shared_ptr<const GgufFile> file_;
  std::int64_t head_dim_;
  std::string family_;
  std::vector<TensorInfo> infos_;
  std::map<std::string, const GgufTensor*, std::less<>> stored_;
};

}  // namespace

std::optional<std::string> hf_name_of(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view kind = name.substr(dot);
  if (kind != ".weight" && kind != ".bias") return std::nullopt;
  std::string_view stem = name.substr(0, dot);
  if (!stem.starts_with("blk.")) {
    const auto top = translate(kTopNames, stem);
    return top ? std::optional(*top + std::string(kind)) : std::nullopt;
  }
  stem.remove_prefix(4);
  std::uint32_t layer = 0;
  const auto [rest, error] = std::from_chars(stem.data(), stem.data() + stem.size(), layer);
  const std::string digits = std::to_string(layer);
  if (error != std::errc() || !stem.starts_with(digits + ".")) return std::nullopt;
  const auto part = translate(kBlockNames, stem.substr(digits.size() + 1));
  if (!part) return std::nullopt;
  return "model.layers." + digits + "." + *part + std::string(kind);
}

std::unique_ptr<TensorSource> make_gguf_source(std::shared_ptr<const GgufFile> file,
                                               const ModelConfig& config) {
  return std::make_unique<GgufSource>(std::move(file), config);
}

}  // namespace hone::formats
