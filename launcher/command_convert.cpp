// hone convert: a GGUF file or Hugging Face folder as a Hugging Face folder, block linears in NF4 on request.
#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/formats/tensor_source.h"
#include "core/quant/nf4.h"
#include "launcher/command_context.h"
#include "launcher/commands.h"
#include "launcher/model_folder.h"
#include "launcher/options/command_options.h"

namespace hone::launcher {
namespace {

bool is_block_linear(const formats::TensorInfo& info) {
  return info.shape.size() == 2 && info.name.find(".layers.") != std::string::npos;
}

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
      writer_.announce_nf4(info.name, form(info, 0.5f));  // the size does not depend on the offset's digits
    } else if (kept(info)) {
      writer_.announce_as_stored(info);
    } else {
      writer_.announce(info.name, info.shape);
    }
  }

  void write(const formats::TensorInfo& info) {
    if (kept(info)) return writer_.write_raw(source_.raw(info));
    std::vector<float> values(c10::multiply_integers(info.shape));
    source_.read_rows(info, 0, info.shape[0], values.data());
    if (quantised(info)) return write_nf4(info, values);
    writer_.write(values);
  }

 private:
  bool quantised(const formats::TensorInfo& info) const { return nf4_ && is_block_linear(info); }
  bool kept(const formats::TensorInfo& info) const {
    return !quantised(info) && is_plain_float(info.dtype) && !source_.raw(info).empty();
  }

  static Error already_quantised(const formats::TensorInfo& info) {
    return Error(Exit::input, "CV001", "model is quantised already", info.name, "NF4 weights are not converted again",
                 "use the folder as it is");
  }

  formats::Nf4Form form(const formats::TensorInfo& info, float offset) const {
    formats::Nf4Form form;
    form.shape = info.shape;
    form.nested_block = double_quant_ ? quant::kNestedBlock : 0;
    form.nested_offset = offset;
    return form;
  }

  void write_nf4(const formats::TensorInfo& info, std::span<const float> values) {
    quant::Nf4Quantizer quantizer(static_cast<std::int64_t>(values.size()));
    quantizer.push(values);
    const quant::Nf4Data data = quantizer.finish(double_quant_);
    writer_.write_nf4(data, form(info, data.offset));
  }

  const formats::TensorSource& source_;
  FolderWriter& writer_;
  bool nf4_, double_quant_;
};

}  // namespace

int run_convert(CommandContext& context) {
  context.require("model.path");
  context.require("output");
  const ConvertOptions& options = context.options<ConvertOptions>();
  const ModelOptions& model = context.config().model;
  const bool nf4 = options.quantize == "nf4" || model.quantize == "nf4";
  const std::string dtype = model.dtype == "auto" ? "fp32" : model.dtype;
  const formats::ModelFiles files = formats::open_model(model.path);
  if (context.session.rank() != 0) return 0;
  FolderWriter writer(model.path, options.output, dtype);
  Conversion conversion(*files.tensors, writer, nf4, model.double_quant);
  for (const formats::TensorInfo& info : files.tensors->tensors()) conversion.announce(info);
  writer.begin();
  for (const formats::TensorInfo& info : files.tensors->tensors()) conversion.write(info);
  writer.finish(nf4 ? std::optional(formats::nf4_quantization_config(model.double_quant, dtype)) : std::nullopt);
  context.log.info("{}: {} tensors", options.output, files.tensors->tensors().size());
  return 0;
}

}  // namespace hone::launcher
