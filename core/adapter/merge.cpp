#include "core/adapter/merge.h"

#include <ATen/ATen.h>

#include "core/adapter/peft_pair.h"

namespace hone::adapter {

void fold(const std::vector<const formats::PeftAdapter*>& adapters, const std::string& module,
          std::int64_t out, std::int64_t in, std::span<float> weight) {
  at::Tensor w = at::from_blob(weight.data(), {out, in}, at::kFloat);
  for (const formats::PeftAdapter* adapter : adapters) {
    const formats::PeftPair* pair = adapter->find(module);
    if (!pair) continue;
    require_fit(*pair, out, in);
    w.addmm_(to_tensor(*pair->b, at::kFloat), to_tensor(*pair->a, at::kFloat), 1,
             adapter->config().scaling());
  }
}

}  // namespace hone::adapter
