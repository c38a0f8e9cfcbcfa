// hone convert: a GGUF file or Hugging Face folder as a Hugging Face folder, block linears in NF4 on request.
#include <ATen/ATen.h>

#include <map>

#include "core/base/error.h"
#include "core/formats/tensor_source.h"
#include "core/quant/nf4.h"
#include "launcher/command_context.h"
#include "launcher/commands.h"
#include "launcher/model_folder.h"
#include "launcher/model_input.h"
#include "launcher/options/command_options.h"

namespace hone::launcher {
namespace {

bool is_plain_float(formats::DType type) {
  return type == formats::DType::f32 || type == formats::DType::f16 || type == formats::DType::bf16;
}

// What the matrices are stored in; fp32 where that is no plain type.
std::string stored_dtype(const formats::TensorSource& source) {
  for (const formats::TensorInfo& info : source.tensors()) {
    if (info.shape.size() != 2) continue;
    if (info.dtype == formats::DType::bf16) return "bf16";
    return info.dtype == formats::DType::f16 ? "fp16" : "fp32";
  }
  return "fp32";
}

struct Wanted {
  bool nf4, double_quant;
  bool any_type;  // plain tensors stay what they are
  std::string dtype;
};

class Conversion {
 public:
  Conversion(const formats::TensorSource& source, FolderWriter& writer, const Wanted& wanted)
      : source_(source), writer_(writer), wanted_(wanted) {}

  void announce(const formats::TensorInfo& info) {
    if (source_.nf4(info)) throw already_quantised(info);
    if (quantised(info)) {
      offsets_[info.name] = quantise(info).offset;  // its digits are part of what the header lays out
      writer_.announce_nf4(info.name, form(info));
    } else if (kept(info)) {
      writer_.announce_as_stored(info);
    } else {
      writer_.announce(info.name, info.shape);
    }
  }

  void write(const formats::TensorInfo& info) {
    if (kept(info)) return writer_.write_raw(source_.raw(info));
    if (quantised(info)) return writer_.write_nf4(quantise(info), form(info));
    writer_.write(values_of(info));
  }

 private:
  bool quantised(const formats::TensorInfo& info) const {
    return wanted_.nf4 && formats::is_block_linear(info);
  }
  bool kept(const formats::TensorInfo& info) const {
    return !quantised(info) && is_plain_float(info.dtype) && !source_.raw(info).empty() &&
           (wanted_.any_type || info.dtype == stored_type(wanted_.dtype));
  }

  static Error already_quantised(const formats::TensorInfo& info) {
    return Error(Exit::input, "CV001", "model is quantised already", info.name,
                 "NF4 weights are not converted again", "use the folder as it is");
  }

  formats::Nf4Form form(const formats::TensorInfo& info) const {
    formats::Nf4Form form;
    form.shape = info.shape;
    form.nested_block = wanted_.double_quant ? quant::kNestedBlock : 0;
    form.nested_offset = offsets_.at(info.name);
    return form;
  }

  std::vector<float> values_of(const formats::TensorInfo& info) const {
    std::vector<float> values(c10::multiply_integers(info.shape));
    source_.read_rows(info, 0, info.shape[0], values.data());
    return values;
  }

  quant::Nf4Data quantise(const formats::TensorInfo& info) const {
    const std::vector<float> values = values_of(info);
    quant::Nf4Quantizer quantizer(static_cast<std::int64_t>(values.size()));
    quantizer.push(values);
    return quantizer.finish(wanted_.double_quant);
  }

  const formats::TensorSource& source_;
  FolderWriter& writer_;
  Wanted wanted_;
  std::map<std::string, float> offsets_;  // of the double quantisation, by tensor
};

}  // namespace

int run_convert(CommandContext& context) {
  context.require("model.path");
  context.require("output");
  const ConvertOptions& options = context.options<ConvertOptions>();
  const ModelOptions& model = context.config().model;
  use_stored_weights(context.config());
  const formats::ModelFiles files = open_base(context.config());
  const bool any_type = model.dtype == "auto", nf4 = options.quantize == "nf4" || model.quantize == "nf4";
  const std::string dtype = any_type ? stored_dtype(*files.tensors) : model.dtype;
  if (context.session.rank() != 0) return 0;
  Config alone =
      context.config();  // adapters are not folded in, and leave tokenizer and template as they are
  alone.model.adapters.clear();
  alone.adapter.init.clear();
  FolderWriter writer(alone, options.output, dtype, FolderThere::refuse);
  Conversion conversion(*files.tensors, writer, {nf4, model.double_quant, any_type, dtype});
  for (const formats::TensorInfo& info : files.tensors->tensors()) conversion.announce(info);
  writer.begin();
  for (const formats::TensorInfo& info : files.tensors->tensors()) conversion.write(info);
  writer.finish(files.config, nf4 ? std::optional(formats::nf4_quantization_config(model.double_quant, dtype))
                                  : std::nullopt);
  context.log.info("{}: {} tensors", options.output, files.tensors->tensors().size());
  return 0;
}

}  // namespace hone::launcher
