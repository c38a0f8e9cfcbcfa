#include "core/adapter/peft_pair.h"

#include <ATen/ATen.h>

#include <string>

#include "core/base/error.h"

namespace hone::adapter {
namespace {

std::string shape_text(std::int64_t rows, std::int64_t columns) {
  return "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
}

}  // namespace

void require_fit(const formats::PeftPair& pair, std::int64_t out, std::int64_t in) {
  if (pair.in() == in && pair.out() == out) return;
  throw Error(
      Exit::input, "AD010", "adapter does not fit the model", pair.module,
      "adapter is for " + shape_text(pair.out(), pair.in()) + ", the model has " + shape_text(out, in));
}

at::Tensor to_tensor(const formats::SafetensorsEntry& entry, at::ScalarType dtype) {
  at::Tensor values = at::empty(entry.info.shape, at::kFloat);
  formats::PeftAdapter::read(entry, values.mutable_data_ptr<float>());
  return values.to(dtype);
}

}  // namespace hone::adapter
