#pragma once
// Memory of CPU tensors, kept by the process. A training step asks for the same gigabytes as the one before; without
// a pool each large tensor would be mapped, cleared by the kernel page by page and given back again. Freed blocks are
// handed out once more; together with those in use they never exceed the most that was in use at once. Large blocks are
// mapped and ask for huge pages.
namespace hone::nn {

// Makes the pool LibTorch's allocator of CPU memory, for the rest of the process. Call once, before any tensor exists.
// Thread-safe from then on; out of memory throws std::bad_alloc.
void install_tensor_pool();

}  // namespace hone::nn
