#pragma once
// Builds a model's modules from its files. A family asks for its weights by their Hugging Face names; what each
// becomes (dense, NF4, trainable; with which adapters) is decided here, in one place.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/adapter/lora.h"
#include "core/formats/peft.h"
#include "core/formats/tensor_source.h"
#include "core/model/arena.h"
#include "core/model/sharded_weights.h"
#include "core/nn/linear.h"
#include "core/quant/nf4_weight.h"

namespace hone::model {

enum class Trained { nothing, adapter, everything };

struct BuildSpec {
  at::ScalarType compute = at::kFloat;
  at::ScalarType master = at::kFloat;  // of what is trained: fp32, or bf16 under bf16 compute
  at::Device device = at::kCPU;
  bool offload_block_inputs = false;  // with recomputation: they wait for backward in host memory
  bool nf4 = false;                   // block linears held in NF4
  bool double_quant = true;
  Trained trained = Trained::nothing;
  adapter::LoraSettings lora;                                // Trained::adapter
  const formats::PeftAdapter* lora_init = nullptr;           // its start values; null: drawn from seed
  std::vector<const formats::PeftAdapter*> frozen_adapters;  // applied in order
  std::uint64_t seed = 42;
  double neftune_noise_alpha = 0;  // training passes
  Sharding sharding;
  bool strands =
      true;  // where threads may take sequences of their own; false: the same sums however many there are
};

// Is this tensor of the model in the arena: because everything is trained, or its module whole beside an
// adapter?
bool trains(const BuildSpec& spec, const std::string& tensor);
// Token ids whose rows of this tensor are trained beside an adapter; null where there are none.
const std::vector<std::int64_t>* trained_rows(const BuildSpec& spec, const std::string& tensor);

class ModuleBuilder {
 public:
  ModuleBuilder(const formats::TensorSource& source, const BuildSpec& spec);

  void begin_block(
      const std::string& name);  // "embedding", "layers.0", ..., "head"; opens a range of the arena
  nn::WeightPtr vector(const std::string& name, std::int64_t size);  // norms, biases: no decay
  nn::WeightPtr matrix(const std::string& name, std::int64_t rows, std::int64_t columns);  // never quantised
  nn::Linear linear(const std::string& module, std::int64_t out, std::int64_t in, bool bias);

  // The type of statistics and angles (fp32, fp64 for fp64 compute), where the model computes.
  at::TensorOptions wide_options() const;

  // Lays out and fills the arena. Refuses adapters and modules_to_save that named a module the model does not
  // have.
  std::shared_ptr<Arena> finish();
  std::int64_t frozen_bytes() const { return frozen_bytes_; }
  // After finish(): the frozen weights of each block, in the order they were begun; empty unless weights are sharded.
  std::vector<ShardedWeights> sharded() { return std::move(sharded_); }
  std::vector<std::string> adapted_modules() const { return adapted_; }  // that got the trained adapter

 private:
  using Fill = std::function<void(std::span<float>)>;
  const formats::TensorInfo& require(const std::string& name, const std::vector<std::int64_t>& shape) const;
  nn::WeightPtr trainable(const std::string& name, std::vector<std::int64_t> shape, bool decay, Fill fill);
  nn::WeightPtr own(const formats::TensorInfo& info, bool decay);  // trained or frozen, as spec says
  nn::WeightPtr some_rows(const formats::TensorInfo& info, const std::vector<std::int64_t>& ids);
  void check_saved_modules() const;
  void check_targets() const;
  nn::WeightPtr frozen(std::shared_ptr<nn::Weight> weight);  // keeps account of it
  void shard_block();                                        // what the block that ends here holds frozen
  nn::WeightPtr frozen_dense(const formats::TensorInfo& info);
  nn::WeightPtr frozen_nf4(const formats::TensorInfo& info);
  nn::WeightPtr frozen_nf4_on_device(const formats::TensorInfo& info);
  quant::Nf4Data read_nf4(const formats::TensorInfo& info) const;
  at::Tensor load_dense(const formats::TensorInfo& info, at::ScalarType type) const;
  void add_frozen_branches(nn::Linear& linear, std::int64_t out, std::int64_t in);
  void add_trained_branch(nn::Linear& linear, std::int64_t out, std::int64_t in);

  std::uint32_t dropout_site(const std::string& module);

  const formats::TensorSource& source_;
  const BuildSpec& spec_;
  std::shared_ptr<Arena> arena_ = std::make_shared<Arena>();
  ArenaLayoutBuilder layout_;
  std::vector<Fill> fills_;  // by parameter index
  std::vector<std::string> linears_, adapted_;
  std::string pending_block_;  // opened once something in it is trained
  std::uint32_t next_dropout_site_ = 0;
  std::int64_t frozen_bytes_ = 0;
  std::vector<std::shared_ptr<nn::Weight>>
      frozen_here_;  // of the block under way, where they will be sharded
  std::vector<ShardedWeights> sharded_;
  bool block_begun_ = false;
};

}  // namespace hone::model
