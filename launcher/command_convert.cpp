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

class Conversion {
 public:
  Conversion(const formats::TensorSource& source, FolderWriter& writer, bool nf4, bool double_quant)
      : source_(source), writer_(writer), nf4_(nf4), double_quant_(double_quant) {}

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
  bool quantised(const formats::TensorInfo& info) const { return nf4_ && formats::is_block_linear(info); }
  bool kept(const formats::TensorInfo& info) const {
    return !quantised(info) && is_plain_float(info.dtype) && !source_.raw(info).empty();
  }

  static Error already_quantised(const formats::TensorInfo& info) {
    return Error(Exit::input, "CV001", "model is quantised already", info.name,
                 "NF4 weights are not converted again", "use the folder as it is");
  }

  formats::Nf4Form form(const formats::TensorInfo& info) const {
    formats::Nf4Form form;
    form.shape = info.shape;
    form.nested_block = double_quant_ ? quant::kNestedBlock : 0;
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
    return quantizer.finish(double_quant_);
  }

  const formats::TensorSource& source_;
  FolderWriter& writer_;
  bool nf4_, double_quant_;
  std::map<std::string, float> offsets_;  // of the double quantisation, by tensor
};

}  // namespace

int run_convert(CommandContext& context) {
  context.require("model.path");
  context.require("output");
  const ConvertOptions& options = context.options<ConvertOptions>();
  const ModelOptions& model = context.config().model;
  const bool nf4 = options.quantize == "nf4" || model.quantize == "nf4";
  const std::string dtype = model.dtype == "auto" ? "fp32" : model.dtype;
  const formats::ModelFiles files = open_base(context.config());
  if (context.session.rank() != 0) return 0;
  FolderWriter writer(context.config(), options.output, dtype);
  Conversion conversion(*files.tensors, writer, nf4, model.double_quant);
  for (const formats::TensorInfo& info : files.tensors->tensors()) conversion.announce(info);
  writer.begin();
  for (const formats::TensorInfo& info : files.tensors->tensors()) conversion.write(info);
  writer.finish(files.config, nf4 ? std::optional(formats::nf4_quantization_config(model.double_quant, dtype))
                                  : std::nullopt);
  context.log.info("{}: {} tensors", options.output, files.tensors->tensors().size());
  return 0;
}

}  // namespace hone::launcher
