#include "launcher/model_folder.h"

#include <ATen/ATen.h>

#include <filesystem>

#include "core/base/error.h"
#include "core/base/file_system.h"
#include "core/formats/hf_config.h"
#include "core/formats/nf4.h"
#include "data/text/tokenizer.h"
#include "launcher/model_input.h"

namespace hone::launcher {
namespace {

at::ScalarType tensor_type(const std::string& dtype) {
  if (dtype == "bf16") return at::kBFloat16;
  return dtype == "fp16" ? at::kHalf : at::kFloat;
}

// A JSON file of the source folder; nothing for a GGUF file or where it is not there.
std::optional<OrderedJson> source_json(const std::string& source, const std::string& name) {
  if (!is_directory(source) || !path_exists(source + "/" + name)) return std::nullopt;
  return formats::read_ordered_json(source + "/" + name);
}

}  // namespace

formats::DType stored_type(const std::string& dtype) {
  if (dtype == "bf16") return formats::DType::bf16;
  return dtype == "fp16" ? formats::DType::f16 : formats::DType::f32;
}

FolderWriter::FolderWriter(const Config& config, std::string folder, std::string dtype, FolderThere there)
    : config_(config), folder_(std::move(folder)), dtype_(std::move(dtype)) {
  if (is_directory(folder_) && std::filesystem::equivalent(config.model.path, folder_))
    throw Error(Exit::usage, "US026", "output is the model itself", folder_,
                "it would be overwritten while it is read", "choose another folder");
  created_ = !path_exists(folder_);
  was_empty_ = created_ || (is_directory(folder_) && list_directory(folder_).empty());
  if (there == FolderThere::refuse && is_directory(folder_) && !was_empty_)
    throw Error(Exit::usage, "US086", "output is there already", folder_, "the folder has files in it",
                "choose another folder, or remove it");
  chat_template_ = chat_template_to_write(config);
  make_directories(folder_);
}

FolderWriter::~FolderWriter() {
  if (finished_ || !was_empty_) return;
  writer_.reset();
  std::error_code ignored;  // the failure that led here is told
  if (created_) {
    std::filesystem::remove_all(folder_, ignored);
    return;
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored))
    std::filesystem::remove_all(entry.path(), ignored);
}

void FolderWriter::announce(const std::string& name, std::vector<std::int64_t> shape) {
  tensors_.push_back({name, stored_type(dtype_), std::move(shape)});
}

void FolderWriter::announce_as_stored(const formats::TensorInfo& info) { tensors_.push_back(info); }

void FolderWriter::announce_nf4(const std::string& name, const formats::Nf4Form& form) {
  for (formats::TensorInfo& info : formats::nf4_tensor_infos(name, form)) tensors_.push_back(std::move(info));
}

void FolderWriter::begin() { writer_ = std::make_unique<formats::ModelWriter>(folder_, tensors_); }

void FolderWriter::write(std::span<const float> values) {
  const at::Tensor tensor =
      at::from_blob(const_cast<float*>(values.data()), {static_cast<std::int64_t>(values.size())}, at::kFloat)
          .to(tensor_type(dtype_));
  write_raw({static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()});
}

void FolderWriter::write_raw(std::span<const std::byte> bytes) { writer_->write(bytes); }

void FolderWriter::write_nf4(const quant::Nf4Data& data, const formats::Nf4Form& form) {
  formats::Nf4Parts parts;
  parts.codes = std::as_bytes(std::span(data.codes));
  parts.quant_map = std::as_bytes(std::span(formats::kNf4Codebook));
  parts.absmax =
      data.nested() ? std::as_bytes(std::span(data.absmax_codes)) : std::as_bytes(std::span(data.absmax));
  if (data.nested()) {
    parts.nested_absmax = std::as_bytes(std::span(data.nested_absmax));
    parts.nested_quant_map = std::as_bytes(std::span(data.nested_map));
    parts.nested_offset = data.offset;
  }
  const std::string state = formats::nf4_state_json(form);  // the spans look into it
  for (const std::span<const std::byte> bytes : formats::nf4_tensor_bytes(parts, state)) write_raw(bytes);
}

void FolderWriter::finish(const formats::ModelConfig& model, const std::optional<OrderedJson>& quantization) {
  writer_->finish();
  const std::string& source = config_.model.path;
  formats::write_config_json(folder_, model, dtype_, source_json(source, "config.json"), quantization);
  formats::write_generation_config_json(folder_, model, source_json(source, "generation_config.json"));
  data::export_tokenizer(tokenizer_source(config_), folder_, config_.data.new_tokens, chat_template_);
  finished_ = true;
}

}  // namespace hone::launcher
