#pragma once
// LoRA adapters in PEFT's folder layout: adapter_config.json and adapter_model.safetensors.
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/formats/safetensors.h"

namespace hone::formats {

constexpr const char* kEmbeddingName = "embed_tokens";
constexpr const char* kHeadName = "lm_head";

// trainable_token_indices: name of the embedding or the head to ids, of which the adapter holds the rows.
using TokenRows = std::map<std::string, std::vector<std::int64_t>>;

struct PeftConfig {
  std::int64_t rank = 16;
  double alpha = 32;
  double dropout = 0;
  bool use_rslora = false;
  std::vector<std::string> targets;          // names of modules
  std::string target_pattern;                // instead of names: PEFT's "all-linear" or a regular expression
  std::vector<std::string> modules_to_save;  // ends of the names of modules that the adapter holds whole
  TokenRows token_rows;
  std::string base_model;                  // base_model_name_or_path; empty: null
  std::string task_type = "CAUSAL_LM";     // empty: null
  std::string init_lora_weights = "true";  // as JSON: "true", "false" or a quoted name

  double scaling() const;  // alpha / rank, or alpha / sqrt(rank)
};

// One adapted linear layer: y += scaling * B (A x). Views into the mapped file.
struct PeftPair {
  std::string module;                   // path in the base model, e.g. "model.layers.0.self_attn.q_proj"
  const SafetensorsEntry* a = nullptr;  // [rank, in], f32, f16 or bf16
  const SafetensorsEntry* b = nullptr;  // [out, rank]
  std::int64_t in() const { return a->info.shape[1]; }
  std::int64_t out() const { return b->info.shape[0]; }
};

// A module that the adapter holds whole (modules_to_save, or an embedding that PEFT saved since it was
// resized).
struct PeftSaved {
  std::string tensor;                       // in the base model, e.g. "model.embed_tokens.weight"
  const SafetensorsEntry* entry = nullptr;  // f32, f16 or bf16, 1 or 2 dimensions
};

// Rows of the embedding or the head that the adapter holds in place of the model's.
struct PeftTokenRows {
  std::string tensor;                       // in the base model, e.g. "model.embed_tokens.weight"
  std::vector<std::int64_t> ids;            // rising or not, each once
  const SafetensorsEntry* entry = nullptr;  // [ids, H], f32, f16 or bf16
  const SafetensorsEntry* table =
      nullptr;  // [V, H]: what the other rows are, where PEFT saved a resized table
};

// Name of the tensor of such rows in the folder, PEFT's prefix aside.
std::string token_rows_name(const std::string& module);

// Throws AD001 (JSON), AD002 to AD004 (keys), AD005 (a variant that is not supported), AD006 (tensors that do
// not make pairs), AD007 (shape or type); IN001 for adapter_model.bin. Exit 3.
class PeftAdapter {
 public:
  explicit PeftAdapter(const std::string& folder);
  PeftAdapter(PeftAdapter&&) = default;  // the pairs point into the file's entries, so no copies
  const PeftConfig& config() const { return config_; }
  const std::vector<PeftPair>& pairs() const { return pairs_; }   // sorted by module
  const PeftPair* find(std::string_view module) const;            // nullptr: not adapted
  const std::vector<PeftSaved>& saved() const { return saved_; }  // sorted by tensor
  const std::vector<PeftTokenRows>& token_rows() const { return token_rows_; }
  // Does it hold anything in place of the model's own, so that the model without it is another one?
  bool replaces() const { return !saved_.empty() || !token_rows_.empty(); }
  const SafetensorsFile& file() const { return file_; }
  // Decoded to fp32, row-major: all of it, or rows [begin, end).
  static void read(const SafetensorsEntry& entry, float* out);
  static void read_rows(const SafetensorsEntry& entry, std::int64_t begin, std::int64_t end, float* out);

 private:
  [[noreturn]] void refuse(std::string_view code, const std::string& name, const std::string& why) const;
  void sort_out();
  void take_token_rows(const std::string& module, const SafetensorsEntry& entry);
  void take_table(const std::string& module, const SafetensorsEntry& entry);
  PeftConfig config_;
  SafetensorsFile file_;
  std::vector<PeftPair> pairs_;
  std::vector<PeftSaved> saved_;
  std::vector<PeftTokenRows> token_rows_;
};

inline PeftAdapter read_peft(const std::string& folder) { return PeftAdapter(folder); }

struct PeftWeights {
  std::string module;
  std::int64_t in = 0, out = 0;
  std::span<const float> a, b;  // [rank, in], [out, rank]
};

struct PeftModule {
  std::string tensor;  // as in PeftSaved, or token_rows_name()
  std::vector<std::int64_t> shape;
  std::span<const float> values;
};

// Does PEFT take `module` ("model.embed_tokens") for one that `names` says to save whole? By the end of its
// name.
bool is_saved_module(const std::vector<std::string>& names, std::string_view module);

// Writes a folder that PeftModel.from_pretrained loads, weights in fp32. Errors: exit 8.
void write_peft(const std::string& folder, const PeftConfig& config, const std::vector<PeftWeights>& weights,
                const std::vector<PeftModule>& saved = {});

}  // namespace hone::formats
