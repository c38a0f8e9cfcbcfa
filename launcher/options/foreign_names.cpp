#include "launcher/options/foreign_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace hone::launcher {
namespace {

constexpr std::string_view kBatch = "it counts over all ranks: per device x accumulation x ranks";
constexpr std::string_view kMicro = "tokens that a rank works on at a time; results do not depend on it";
constexpr std::string_view kPerSteps = "every so many steps (200) or epochs (1e)";
constexpr std::string_view kNf4 = "nf4";
constexpr std::string_view kDtype = "bf16, fp16 or fp32";
constexpr std::string_view kHeldOut = "held-out rows are files of their own";

// By subject, as the sections are.
const std::vector<ForeignName> kTable = {
    {"model_name_or_path", {"model.path"}, ""},
    {"model_name", {"model.path"}, ""},
    {"model_id", {"model.path"}, ""},
    {"pretrained_model_name_or_path", {"model.path"}, "a folder or a GGUF file: nothing is downloaded"},
    {"base_model", {"model.path"}, ""},
    {"tokenizer_name", {"model.path"}, "the tokenizer is the model's own"},
    {"tokenizer_name_or_path", {"model.path"}, "the tokenizer is the model's own"},
    {"adapter_name_or_path",
     {"model.adapters", "adapter.init"},
     "frozen under the new one, or its start values"},
    {"lora_model_dir", {"adapter.init"}, ""},
    {"torch_dtype", {"model.dtype"}, kDtype},
    {"compute_dtype", {"model.dtype"}, kDtype},
    {"bnb_4bit_compute_dtype", {"model.dtype"}, kDtype},
    {"bf16", {"model.dtype"}, "bf16"},
    {"fp16", {"model.dtype"}, "fp16"},
    {"pure_bf16", {"model.dtype", "model.master_dtype"}, "bf16"},
    {"train_from_scratch", {"model.init"}, "random"},
    {"reinit_weights", {"model.init"}, "random"},
    {"load_in_4bit", {"model.quantize"}, kNf4},
    {"bnb_4bit_quant_type", {"model.quantize"}, kNf4},
    {"quantization_bit", {"model.quantize"}, "nf4 for 4"},
    {"quantization_method", {"model.quantize"}, kNf4},
    {"bnb_4bit_use_double_quant", {"model.double_quant"}, ""},
    {"double_quantization", {"model.double_quant"}, ""},
    {"device_map", {"model.device"}, "cpu or cuda"},
    {"use_cpu", {"model.device"}, "cpu"},
    {"no_cuda", {"model.device"}, "cpu"},

    {"use_peft", {"adapter.type"}, "lora"},
    {"peft_type", {"adapter.type"}, "lora"},
    {"finetuning_type", {"adapter.type"}, "lora, or none for full"},
    {"adapter", {"adapter.type", "model.quantize"}, "qlora is lora with nf4"},
    {"lora_r", {"adapter.rank"}, ""},
    {"lora_rank", {"adapter.rank"}, ""},
    {"r", {"adapter.rank"}, ""},
    {"lora_alpha", {"adapter.alpha"}, ""},
    {"lora_dropout", {"adapter.dropout"}, ""},
    {"lora_target_modules", {"adapter.targets"}, "separated by commas, or all-linear"},
    {"target_modules", {"adapter.targets"}, "separated by commas, or all-linear"},
    {"lora_target", {"adapter.targets"}, "separated by commas; all is all-linear"},
    {"lora_target_linear", {"adapter.targets"}, "all-linear"},
    {"use_rslora", {"adapter.rslora"}, ""},
    {"peft_use_rslora", {"adapter.rslora"}, ""},
    {"lora_modules_to_save", {"adapter.modules_to_save"}, ""},
    {"peft_trainable_token_indices", {"adapter.trainable_token_indices"}, "separated by commas"},
    {"additional_target", {"adapter.modules_to_save"}, ""},

    {"stage", {"objective.name"}, ""},
    {"label_smoothing_factor", {"objective.label_smoothing"}, ""},

    {"dataset", {"data.train"}, "JSON Lines files or prepared folders"},
    {"datasets", {"data.train"}, "JSON Lines files or prepared folders"},
    {"dataset_name", {"data.train"}, "JSON Lines files or prepared folders"},
    {"train_dataset", {"data.train"}, "JSON Lines files or prepared folders"},
    {"train_file", {"data.train"}, ""},
    {"dataset_prepared_path", {"data.train"}, "the folder that hone prepare wrote"},
    {"eval_dataset", {"data.eval"}, kHeldOut},
    {"test_datasets", {"data.eval"}, kHeldOut},
    {"validation_file", {"data.eval"}, ""},
    {"val_set_size", {"data.eval"}, kHeldOut},
    {"val_size", {"data.eval"}, kHeldOut},
    {"test_size", {"data.eval"}, kHeldOut},
    {"dataset_text_field", {"data.format"}, "rows of `text` are recognised"},
    {"dataset_format", {"data.format"}, ""},
    {"chat_template", {"data.template"}, ""},
    {"prompt_template", {"data.template"}, ""},
    {"max_seq_length", {"data.max_length"}, ""},
    {"max_seq_len", {"data.max_length"}, ""},
    {"model_max_length", {"data.max_length"}, ""},
    {"sequence_len", {"data.max_length"}, ""},
    {"cutoff_len", {"data.max_length"}, ""},
    {"block_size", {"data.max_length"}, ""},
    {"truncation_mode", {"data.truncation_side"}, "right for keep_start, left for keep_end"},
    {"resize_vocab", {"data.new_tokens"}, "embedding and head grow with them"},
    {"additional_special_tokens", {"data.new_tokens"}, ""},
    {"new_special_tokens", {"data.new_tokens"}, ""},
    {"sample_packing", {"data.packing"}, ""},
    {"eval_packing", {"data.packing"}, ""},
    {"neat_packing", {"data.packing"}, "sequences never see one another"},
    {"padding_free", {"data.packing"}, "there is never padding"},
    {"group_by_length", {"data.packing"}, "there is never padding"},
    {"shuffle_dataset", {"data.shuffle"}, ""},
    {"disable_shuffling", {"data.shuffle"}, "the other way round"},
    {"interleave_probs", {"data.weights"}, ""},
    {"mix_strategy",
     {"data.mixture_stop"},
     "first_exhausted for interleave_under, all_exhausted for interleave_over"},
    {"train_on_inputs", {"data.train_on"}, "all for true, completion for false"},
    {"train_on_prompt", {"data.train_on"}, "all for true, completion for false"},
    {"completion_only_loss", {"data.train_on"}, "completion for true, all for false"},
    {"assistant_only_loss", {"data.train_on"}, "completion for true, all for false"},

    {"max_steps", {"train.steps"}, ""},
    {"num_train_epochs", {"train.epochs"}, ""},
    {"num_epochs", {"train.epochs"}, ""},
    {"per_device_train_batch_size", {"train.batch_size"}, kBatch},
    {"gradient_accumulation_steps", {"train.batch_size", "train.micro_tokens"}, kBatch},
    {"micro_batch_size", {"train.micro_tokens"}, kMicro},
    {"train_batch_size", {"train.batch_size"}, kBatch},
    {"global_batch_size", {"train.batch_size"}, ""},
    {"per_device_eval_batch_size", {"train.micro_tokens"}, kMicro},
    {"eval_batch_size", {"train.micro_tokens"}, kMicro},
    {"auto_find_batch_size", {"train.micro_tokens"}, "auto"},
    {"gradient_checkpointing", {"train.recompute"}, "block"},
    {"activation_checkpointing", {"train.recompute"}, "block"},
    {"activation_offloading", {"train.offload"}, "block_inputs, with train.recompute block"},
    {"data_seed", {"train.seed"}, ""},
    {"eval_strategy", {"train.eval_every"}, kPerSteps},
    {"evaluation_strategy", {"train.eval_every"}, kPerSteps},
    {"eval_steps", {"train.eval_every"}, kPerSteps},
    {"evals_per_epoch", {"train.eval_every"}, kPerSteps},
    {"save_strategy", {"train.save_every"}, kPerSteps},
    {"save_steps", {"train.save_every"}, kPerSteps},
    {"saves_per_epoch", {"train.save_every"}, kPerSteps},
    {"load_best_model_at_end", {"train.load_best"}, ""},
    {"metric_for_best_model", {"train.metric"}, ""},
    {"save_total_limit", {"train.keep"}, "the best one is kept besides"},
    {"logging_steps", {"train.log_every"}, "metrics.jsonl and TensorBoard get every step"},
    {"resume_from_checkpoint", {"train.resume"}, "auto, none or a checkpoint folder"},
    {"auto_resume_from_checkpoints", {"train.resume"}, "auto is the default"},
    {"overwrite_output_dir", {"run.dir"}, "another folder for another run"},
    {"noisy_embedding_alpha", {"train.neftune_noise_alpha"}, ""},

    {"optim", {"optim.name"}, "adamw for adamw_torch and paged_adamw_32bit; adamw_8bit for adamw_bnb_8bit"},
    {"optimizer", {"optim.name"}, ""},
    {"optim_args", {"optim.name"}, "each is a key of [optim]"},
    {"learning_rate", {"optim.lr"}, ""},
    {"adam_beta1", {"optim.beta1"}, ""},
    {"adam_beta2", {"optim.beta2"}, ""},
    {"adam_epsilon", {"optim.eps"}, ""},
    {"gradient_clipping", {"optim.max_grad_norm"}, ""},
    {"lr_scheduler_type", {"schedule.name"}, ""},
    {"lr_scheduler", {"schedule.name"}, ""},
    {"cosine_min_lr_ratio", {"schedule.min_lr_ratio"}, "of schedule.name cosine_with_min_lr"},
    {"lr_scheduler_kwargs", {"schedule.name"}, "each is a key of [schedule]"},
    {"min_lr_rate", {"schedule.min_lr_ratio"}, ""},

    {"ddp_timeout", {"dist.timeout_s"}, ""},
    {"ddp_backend", {"dist.backend"}, ""},
    {"deepspeed", {"dist.zero"}, "the stage; ranks are started by mpirun or srun"},
    {"fsdp", {"dist.zero"}, "ranks are started by mpirun or srun"},
    {"fsdp_config", {"dist.zero"}, "ranks are started by mpirun or srun"},

    {"output_dir", {"run.dir"}, ""},
    {"run_name", {"run.dir"}, ""},
    {"logging_dir", {"run.dir"}, "TensorBoard events are in its tensorboard/"},
    {"report_to", {"run.dir"}, "TensorBoard events are in its tensorboard/, always"},
    {"wandb_project", {"run.dir"}, "nothing is uploaded; TensorBoard events are in its tensorboard/"},

    {"max_completion_length", {"max_new_tokens"}, ""},
    {"do_sample", {"temperature"}, "above 0"},
    {"stop_strings", {"stop"}, ""},
    {"stop_sequences", {"stop"}, ""},

    {"attn_implementation", {}, "attention never pads and never stores a score matrix"},
    {"flash_attention", {}, "attention never pads and never stores a score matrix"},
    {"flash_attn", {}, "attention never pads and never stores a score matrix"},
    {"use_liger_kernel", {}, "logits are never held whole"},
    {"dataloader_num_workers", {}, "rows are read ahead while the model computes"},
    {"dataset_num_proc", {}, "rows are prepared on all ranks"},
    {"preprocessing_num_workers", {}, "rows are prepared on all ranks"},
    {"remove_unused_columns", {}, "keys that a row format does not need are not read"},
    {"ddp_find_unused_parameters", {}, "every rank holds every gradient"},
    {"trust_remote_code", {}, "nothing from a model's folder is ever run"},
    {"push_to_hub", {}, "nothing is uploaded"},
};

std::string plain(std::string_view name) {
  std::string out(name.substr(name.rfind('.') + 1));
  for (char& c : out) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

std::span<const ForeignName> foreign_names() { return kTable; }

std::string foreign_name_hint(std::string_view name) {
  const auto found =
      std::find_if(kTable.begin(), kTable.end(),
                   [wanted = plain(name)](const ForeignName& entry) { return entry.name == wanted; });
  if (found == kTable.end()) return {};
  if (found->keys.empty()) return fmt::format("leave {} out: {}", found->name, found->how);
  const std::string hint = fmt::format("{} is {} here", found->name, fmt::join(found->keys, ", "));
  return found->how.empty() ? hint : fmt::format("{} ({})", hint, found->how);
}

}  // namespace hone::launcher
