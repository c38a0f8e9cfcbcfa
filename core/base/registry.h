#pragma once
// One visible registry per family: a function with one line per entry.
//     return Registry<OptimizerPtr>{"optim.name", options.name}
//         .entry("adamw", [&] { return make_adamw(options); })
//         .build();
// An unknown name is an Error (exit 2) that lists the known ones.
#include <string>
#include <string_view>
#include <utility>

#include "core/base/error.h"

namespace hone {

template <class Product>
class Registry {
 public:
  Registry(std::string_view key, std::string_view wanted) : key_(key), wanted_(wanted) {}

  template <class Make>
  Registry& entry(std::string_view name, Make&& make) {
    known_ += (known_.empty() ? "" : ", ") + std::string(name);
    if (name == wanted_) made_ = make(), found_ = true;
    return *this;
  }

  Product build() {
    if (!found_)
      throw Error(Exit::usage, "US010", "unknown name", key_, "\"" + wanted_ + "\"", "known: " + known_);
    return std::move(made_);
  }

 private:
  std::string key_, wanted_, known_;
  Product made_{};
  bool found_ = false;
};

}  // namespace hone
