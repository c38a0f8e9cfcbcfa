#include <map>
#include <utility>

#include "core/formats/safetensors.h"
#include "core/formats/tensor_source.h"
#include "launcher/inspect/inspect.h"

namespace hone::launcher {
namespace {

using formats::DType;

constexpr std::pair<DType, const char*> kTypeNames[] = {
    {DType::f64, "f64"},      {DType::f32, "f32"},   {DType::f16, "f16"},   {DType::bf16, "bf16"},
    {DType::i64, "i64"},      {DType::i32, "i32"},   {DType::i8, "i8"},     {DType::u8, "u8"},
    {DType::boolean, "bool"}, {DType::q8_0, "q8_0"}, {DType::q4_0, "q4_0"}, {DType::q4_1, "q4_1"},
    {DType::nf4, "nf4"}};

const char* name_of(DType type) {
  for (const auto& [known, name] : kTypeNames)
    if (known == type) return name;
  return "unknown";
}

// Four bits a weight, a byte a block of 64, and a float a 256 of those (double quantisation).
std::int64_t nf4_bytes(std::int64_t elements) {
  const std::int64_t blocks = (elements + 63) / 64;
  return (elements + 1) / 2 + blocks + (blocks + 255) / 256 * 4;
}

OrderedJson shape_of(const formats::ModelConfig& c) {
  return {{"hidden_size", c.hidden_size},      {"intermediate_size", c.intermediate_size},
          {"num_layers", c.num_layers},        {"num_heads", c.num_heads},
          {"num_kv_heads", c.num_kv_heads},    {"head_dim", c.head_dim},
          {"vocab_size", c.vocab_size},        {"max_positions", c.max_positions},
          {"rope_theta", c.rope_theta},        {"rms_eps", c.rms_eps},
          {"tie_embeddings", c.tie_embeddings}};
}

}  // namespace

void inspect_model(const std::string& model_path, TextOutput& out) {
  const formats::ModelFiles model = formats::open_model(model_path);
  std::int64_t parameters = 0, linear = 0, linear_nf4 = 0;
  std::map<std::string, std::int64_t> by_type;  // parameters stored in each type
  for (const formats::TensorInfo& tensor : model.tensors->tensors()) {
    const std::int64_t elements = formats::element_count(tensor.shape);
    parameters += elements;
    by_type[name_of(tensor.dtype)] += elements;
    if (!formats::is_block_linear(tensor)) continue;
    linear += elements;
    linear_nf4 += nf4_bytes(elements);
  }
  const std::int64_t rest = parameters - linear;
  out.json({{"family", model.config.family},
            {"shape", shape_of(model.config)},
            {"parameters", parameters},
            {"block_linear_parameters", linear},
            {"tensors", model.tensors->tensors().size()},
            {"stored", by_type},
            {"weight_bytes",
             {{"fp32", 4 * parameters}, {"bf16", 2 * parameters}, {"nf4", linear_nf4 + 2 * rest}}}});
}

}  // namespace hone::launcher
