#include "core/train/graphed_objective.h"

#include <ATen/ATen.h>

#include <map>
#include <optional>

#include "core/device/captured_graph.h"
#include "core/device/upload.h"
#include "core/train/buckets.h"

namespace hone::train {
namespace {

// A replay tells nobody that blocks are final; they are announced once it is queued.
class QuietSink final : public GradientSink {
 public:
  explicit QuietSink(GradientSink& sink) : sink_(sink) {}
  at::Tensor gradient(std::size_t parameter) override { return sink_.gradient(parameter); }
  void block_final(std::size_t) override {}

 private:
  GradientSink& sink_;
};

// What a graph reads and writes, made outside of it.
struct Entry {
  at::Tensor words, loss;
  bool visited = false;
  std::optional<device::CapturedGraph> graph;
};

class GraphedObjective final : public objective::Objective {
 public:
  GraphedObjective(std::unique_ptr<objective::CapturableObjective> inner, bool capture)
      : inner_(std::move(inner)), capture_(capture) {}

  double weight(const TokenBatch& batch) const override { return inner_->weight(batch); }
  std::vector<objective::SequenceScore> score(const model::Model& model, const TokenBatch& batch,
                                              nn::AdapterMode adapters) const override {
    return inner_->score(model, batch, adapters);
  }

  double train(model::Model& model, const TokenBatch& batch, double scale, GradientSink& sink) override {
    const std::int64_t targets = inner_->target_count(batch);
    if (targets == 0) return inner_->train(model, batch, scale, sink);
    const Bucket bucket = bucket_of(nn::shape_of(batch), targets);
    if (entries_.size() >= kMostGraphs && !entries_.contains(bucket))
      return inner_->train(model, batch, scale, sink);
    Entry& entry = entries_[bucket];
    fill(entry, inner_->stage(padded(batch, bucket.shape), scale, bucket.targets), model.device());
    QuietSink quiet(sink);
    const auto work = [&] {
      entry.loss.copy_(inner_->train_staged(model, {bucket.shape, bucket.targets, entry.words}, quiet));
    };
    if (capture_ && entry.visited && !entry.graph) entry.graph.emplace(model.device(), work);
    if (entry.graph) {
      entry.graph->replay();
    } else {
      work();
    }
    entry.visited = true;
    for (std::size_t b = model.arena().layout().blocks.size(); b-- > 0;) sink.block_final(b);
    return entry.loss.item<double>();
  }

 private:
  static void fill(Entry& entry, const std::vector<std::int32_t>& words, at::Device device) {
    const at::Tensor fresh = device::upload(words, device);
    if (!entry.words.defined()) {
      entry.words = fresh;
      entry.loss = at::zeros({}, fresh.options().dtype(at::kDouble));
    } else {
      entry.words.copy_(fresh);
    }
  }

  std::unique_ptr<objective::CapturableObjective> inner_;
  bool capture_;
  std::map<Bucket, Entry> entries_;
};

}  // namespace

objective::ObjectivePtr make_graphed(objective::ObjectivePtr inner, bool capture) {
  auto* capturable = dynamic_cast<objective::CapturableObjective*>(inner.get());
  if (!capturable) return inner;
  inner.release();
  return std::make_unique<GraphedObjective>(std::unique_ptr<objective::CapturableObjective>(capturable),
                                            capture);
}

}  // namespace hone::train
