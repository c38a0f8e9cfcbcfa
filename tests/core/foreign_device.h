#pragma once
// A device for tests whose memory the host cannot touch: code that reads a device's memory where it should
// not dies, and an operator that mixes devices is an error, as on a GPU. Its operators compute on copies on
// the CPU.
#include <ATen/core/Tensor.h>

namespace hone::test {

// Registered on the first call. What is made on it takes the ATen version of every operator.
at::Device foreign_device();

}  // namespace hone::test
