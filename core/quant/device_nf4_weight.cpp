#include "core/quant/device_nf4_weight.h"

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/device/device.h"
#include "core/quant/nf4_cuda.h"

namespace hone::quant {
namespace {

// `index` counts elements, `by` of which share a value.
at::Tensor spread(const at::Tensor& values, std::int64_t elements, std::int64_t by) {
  const at::Tensor index = at::arange(elements, values.options().dtype(at::kLong)).div(by, "floor");
  return values.index_select(0, index);
}

}  // namespace

Nf4Tensors quantize_on_cuda(const at::Tensor& values, bool double_quant) {
  const at::Tensor flat = values.flatten();
  const std::int64_t elements = flat.numel();
  at::Tensor codes = at::empty({(elements + 1) / 2}, flat.options().dtype(at::kByte));
  at::Tensor absmax = at::empty({(elements + kNf4Block - 1) / kNf4Block}, flat.options());
  nf4_quantize_cuda(flat.const_data_ptr<float>(), CudaFloat::fp32, elements,
                    codes.mutable_data_ptr<std::uint8_t>(), absmax.mutable_data_ptr<float>(),
                    device::stream_on(flat.device()));
  Nf4Data scales;
  if (double_quant) {
    const at::Tensor host = absmax.cpu();
    scales.absmax.assign(host.const_data_ptr<float>(), host.const_data_ptr<float>() + host.numel());
    double_quantize(scales);
    absmax.reset();
  }
  Nf4Tensors out = to_device(scales, flat.device());
  out.elements = elements;
  out.codes = codes;
  out.absmax = absmax;
  return out;
}

DeviceNf4Weight::DeviceNf4Weight(Nf4Tensors data, std::vector<std::int64_t> shape, at::ScalarType compute)
    : data_(std::move(data)), shape_(std::move(shape)), compute_(compute) {
  HONE_CHECK(c10::multiply_integers(shape_) == data_.elements);
}

at::Tensor DeviceNf4Weight::acquire() const {
  if (!data_.codes.is_cuda()) return dequantize_aten();
  at::Tensor out = at::empty(shape_, data_.codes.options().dtype(compute_));
  nf4_dequantize_cuda(view_of(data_), device::cuda_float(compute_), out.mutable_data_ptr(),
                      device::stream_on(out.device()));
  return out;
}

at::Tensor DeviceNf4Weight::dequantize_aten() const {
  const Nf4Tensors& d = data_;
  const at::Tensor codebook = at::tensor(at::ArrayRef<float>(kNf4Codebook), at::kFloat).to(d.codes.device());
  const at::Tensor nibbles =
      at::stack({d.codes.bitwise_right_shift(4), d.codes.bitwise_and(15)}, 1).flatten();
  at::Tensor absmax = d.absmax;
  if (!absmax.defined()) {
    const std::int64_t blocks = d.nested_codes.numel();
    absmax = d.nested_map.index_select(0, d.nested_codes.to(at::kInt)) *
                 spread(d.nested_absmax, blocks, kNestedBlock) +
             d.offset;
  }
  const at::Tensor values = codebook.index_select(0, nibbles.to(at::kInt)).narrow(0, 0, d.elements);
  return (values * spread(absmax, d.elements, kNf4Block)).to(compute_).view(shape_);
}

}  // namespace hone::quant
