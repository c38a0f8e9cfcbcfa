#pragma once
// Writes a Hugging Face model folder beside its source: weights in the order announced, then config.json,
// generation_config.json, tokenizer (with data.new_tokens in it) and chat template carried over. Errors: exit
// 8 (output), exit 3 (source), exit 2 where the folder may not be written to.
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/formats/hf_writer.h"
#include "core/quant/nf4.h"
#include "launcher/run_options.h"

namespace hone::launcher {

enum class FolderThere { refuse, overwrite };  // where it has files in it already

formats::DType stored_type(const std::string& dtype);  // of "fp32", "bf16", "fp16"

class FolderWriter {
 public:
  // The model is what `config` names. `dtype`: "fp32", "bf16" or "fp16", for what write() gets.
  FolderWriter(const Config& config, std::string folder, std::string dtype, FolderThere there);
  ~FolderWriter();  // before finish(): leaves nothing in a folder that held nothing
  FolderWriter(const FolderWriter&) = delete;
  FolderWriter& operator=(const FolderWriter&) = delete;

  void announce(const std::string& name, std::vector<std::int64_t> shape);
  void announce_as_stored(const formats::TensorInfo& info);  // keeps its type
  void announce_nf4(const std::string& name, const formats::Nf4Form& form);
  void begin();  // all announced

  void write(std::span<const float> values);  // rounded to dtype
  void write_raw(std::span<const std::byte> bytes);
  void write_nf4(const quant::Nf4Data& data, const formats::Nf4Form& form);
  void finish(const formats::ModelConfig& model,
              const std::optional<OrderedJson>& quantization = std::nullopt);

 private:
  const Config& config_;
  std::string folder_, dtype_, chat_template_;
  bool created_ = false, was_empty_ = false, finished_ = false;
  std::vector<formats::TensorInfo> tensors_;
  std::unique_ptr<formats::ModelWriter> writer_;
};

}  // namespace hone::launcher
