#pragma once
// A world of one rank: every collective is a copy at most.
#include "dist/collective.h"

namespace hone::dist {

class LocalCommunicator final : public CheckedCommunicator {
 public:
  int rank() const override { return 0; }
  int world_size() const override { return 1; }
  CommunicatorPtr split(int group) override;

 protected:
  WorkPtr start(const Collective& collective) override;
};

}  // namespace hone::dist
