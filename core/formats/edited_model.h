#pragma once
// A model with some of its tensors replaced before anything is built from it: more rows of vocabulary, a head of its
// own, whole modules out of an adapter. The weights stay where they are; only means are computed.
#include "core/formats/peft.h"
#include "core/formats/tensor_source.h"

namespace hone::formats {

// Embedding and head with `vocab_size` rows (not fewer than they have); a new row is the mean of all old ones, in fp64.
// transformers' resize_token_embeddings draws new rows around that mean with a covariance of 1e-9 times the old rows':
// here they start equal, and training parts them.
ModelFiles with_vocabulary(ModelFiles model, std::int64_t vocab_size);

// Rows that embedding and head have at least for this adapter; 0 where it holds nothing of them.
std::int64_t vocabulary_rows(const PeftAdapter& adapter);

// A head of its own, a copy of the embedding; nothing changes where it has one.
ModelFiles untied(ModelFiles model);

// What the adapter holds in place of the model's own: whole modules (its modules_to_save), and rows of the embedding or
// the head (its trainable_token_indices). An embedding of other rows than the model's, or ids beyond them, change the
// vocabulary's size; a tied embedding or head that is held whole is untied first, as PEFT does, and rows are those of
// both. AD013 (exit 3) where one does not fit. `adapter` must outlive the model.
ModelFiles with_replaced(ModelFiles model, const PeftAdapter& adapter);

}  // namespace hone::formats
