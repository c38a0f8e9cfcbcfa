#include "core/adapter/merge.h"

#include <ATen/ATen.h>

#include "core/base/error.h"

namespace hone::adapter {
namespace {

at::Tensor to_tensor(const formats::SafetensorsEntry& entry) {
  at::Tensor values = at::empty(entry.info.shape, at::kFloat);
  formats::PeftAdapter::read(entry, values.mutable_data_ptr<float>());
  return values;
}

}  // namespace

void fold(const std::vector<const formats::PeftAdapter*>& adapters, const std::string& module, std::int64_t out,
          std::int64_t in, std::span<float> weight) {
  at::Tensor w = at::from_blob(weight.data(), {out, in}, at::kFloat);
  for (const formats::PeftAdapter* adapter : adapters) {
    const formats::PeftPair* pair = adapter->find(module);
    if (!pair) continue;
    if (pair->in() != in || pair->out() != out)
      throw Error(Exit::input, "AD010", "adapter does not fit the model", module, "its shapes differ");
    w.addmm_(to_tensor(*pair->b), to_tensor(*pair->a), 1, adapter->config().scaling());
  }
}

}  // namespace hone::adapter
