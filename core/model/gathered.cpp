#include "core/model/gathered.h"

#include <ATen/ATen.h>

#include "core/model/comm_buffer.h"

namespace hone::model {

GatheredBytes::GatheredBytes(std::int64_t part, Communicator& communicator, at::Device device)
    : communicator_(&communicator),
      bytes_(static_cast<std::size_t>(part * communicator.world_size())),
      whole_(at::empty({static_cast<std::int64_t>(bytes_)},
                       at::TensorOptions().dtype(at::kByte).device(device))) {}

void GatheredBytes::start(const at::Tensor& own) {
  if (started_) return;
  started_ = true;
  c10::StorageImpl* storage = whole_.storage().unsafeGetStorageImpl();
  storage->set_data_ptr_noswap(storage->allocator()->allocate(bytes_));
  storage->set_nbytes(bytes_);
  own_ = own;
  under_way_ = communicator_->all_gather(bytes_of(own_), bytes_of(whole_));
}

void GatheredBytes::wait() {
  if (!under_way_) return;
  under_way_->wait();
  under_way_.reset();
  own_.reset();
}

void GatheredBytes::release() {
  wait();
  c10::StorageImpl* storage = whole_.storage().unsafeGetStorageImpl();
  storage->set_data_ptr_noswap(c10::DataPtr(nullptr, whole_.device()));
  storage->set_nbytes(0);
  started_ = false;
}

}  // namespace hone::model
