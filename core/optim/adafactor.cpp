#include "core/optim/adafactor.h"

#include <cmath>
#include <utility>

#include "core/base/error.h"
#include "core/nn/cpu_math.h"
#include "core/optim/parameter_rules.h"
#include "core/optim/state_buffers.h"
#include "core/optim/trained_weights.h"

namespace hone::optim {
namespace {

constexpr double kSquareFloor = 1e-30, kScaleFloor = 1e-3;  // transformers' eps

enum Buffer : std::size_t { kRow, kColumn, kVector };

// Where a parameter's means lie. A vector is a matrix of one row whose row factor is one.
struct Place {
  std::int64_t rows = 1, columns = 0;
  std::int64_t row_at = -1;  // -1: a vector
  std::int64_t column_at = 0;
  bool vector() const { return row_at < 0; }
};

struct Places {
  std::vector<Place> of;
  std::int64_t rows = 0, columns = 0, vectors = 0;
};

Places places_in(const ArenaLayout& layout) {
  Places places;
  for (const ParameterSlice& parameter : layout.parameters) {
    HONE_CHECK(parameter.shape.size() == 1 || parameter.shape.size() == 2);
    const std::int64_t columns = parameter.shape.back();
    if (parameter.shape.size() == 1) {
      places.of.push_back({1, columns, -1, std::exchange(places.vectors, places.vectors + columns)});
    } else {
      const std::int64_t rows = parameter.shape[0];
      places.of.push_back({rows, columns, std::exchange(places.rows, places.rows + rows),
                           std::exchange(places.columns, places.columns + columns)});
    }
  }
  return places;
}

std::vector<StateSpec> state_of(const OptimOptions&, const ArenaLayout& layout) {
  const Places places = places_in(layout);
  return {{"exp_avg_sq_row", StateType::f32, StateSpec::kWhole, places.rows},
          {"exp_avg_sq_col", StateType::f32, StateSpec::kWhole, places.columns},
          {"exp_avg_sq", StateType::f32, StateSpec::kWhole, places.vectors}};
}

// Eight partial sums: a fixed order of additions whatever the instruction set.
HONE_CLONES double square_sum(const float* x, std::int64_t n) {
  double lanes[8] = {};
  for (std::int64_t i = 0; i < n; ++i) lanes[i % 8] += static_cast<double>(x[i]) * x[i];
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

HONE_CLONES void add_squares(const float* x, double* sums, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) sums[i] += static_cast<double>(x[i]) * x[i];
}

HONE_CLONES void update_of(const float* g, const float* mean_square, float row_factor, float* u,
                           std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) u[i] = g[i] * row_factor / std::sqrt(mean_square[i]);
}

HONE_CLONES void move(float* w, const float* u, std::int64_t n, float decay, float step_size) {
  for (std::int64_t i = 0; i < n; ++i) w[i] = w[i] * decay - step_size * u[i];
}

class Adafactor final : public Optimizer {
 public:
  Adafactor(const OptimOptions& options, const ArenaLayout& layout, const OwnedShards& owned)
      : options_(options),
        rules_(parameter_rules(options, layout)),
        places_(places_in(layout)),
        state_(state_of(options, layout), owned),
        plans_(rules_.size()) {}

  // Means and norms are over whole parameters, of which a rank may hold parts: sums over the pieces, then over ranks.
  void update(const StepInput& in) override {
    advance_means(in);
    plan(in);
    for_parameters(rules_, in.pieces, [&](std::size_t p, const Piece& piece, Range part) {
      edit_weights(in, piece, part, [&](float* w, const float* g, Range at) {
        for_rows(p, at, g, [&](const float* u, Range cut) {
          move(w + (cut.begin - at.begin), u, cut.length(), plans_[p].decay, plans_[p].step_size);
        });
      });
    });
  }

  std::vector<StateTensor> state() override { return state_.tensors(); }

 private:
  // What a parameter's elements have in common in one step.
  struct Plan {
    float mean_of_rows = 1, decay = 1, step_size = 0;
  };

  // Takes the gradient's squares into the running means, which are alike on every rank.
  void advance_means(const StepInput& in) {
    std::vector<double> sums(static_cast<std::size_t>(places_.rows + places_.columns + places_.vectors));
    for_parameters(rules_, in.pieces, [&](std::size_t p, const Piece& piece, Range part) {
      const Place& place = places_.of[p];
      for_cuts(p, part, [&](Range cut, std::int64_t row, std::int64_t column) {
        const float* g = piece.gradient + (cut.begin - piece.range.begin);
        add_squares(g, &sums[column_sums_at(place) + column], cut.length());
        if (!place.vector()) sums[place.row_at + row] += square_sum(g, cut.length());
      });
    });
    in.sum(sums);
    const double taken = std::pow(static_cast<double>(in.step), options_.decay_rate);
    const auto advance = [&](float& mean, double sum, std::int64_t count) {
      mean = static_cast<float>((1.0 - taken) * mean +
                                taken * (sum / static_cast<double>(count) + kSquareFloor));
    };
    for (std::size_t p = 0; p < rules_.size(); ++p) {
      const Place& place = places_.of[p];
      double row_total = 0;
      for (std::int64_t r = 0; r < place.rows && !place.vector(); ++r) {
        float& mean = state_.whole(kRow)[place.row_at + r];
        advance(mean, sums[place.row_at + r], place.columns);
        row_total += mean;
      }
      for (std::int64_t c = 0; c < place.columns; ++c)
        advance(column_means(place)[c], sums[column_sums_at(place) + c], place.rows);
      plans_[p].mean_of_rows = static_cast<float>(row_total / static_cast<double>(place.rows));
    }
  }

  // Step sizes, from the sizes of the unclipped update and of the weights.
  void plan(const StepInput& in) {
    const std::size_t count = rules_.size();
    std::vector<double> sums(2 * count);  // squares of updates, squares of weights
    for_parameters(rules_, in.pieces, [&](std::size_t p, const Piece& piece, Range part) {
      const float* g = piece.gradient + (part.begin - piece.range.begin);
      for_rows(p, part, g, [&](const float* u, Range cut) { sums[p] += square_sum(u, cut.length()); });
      if (options_.scale_parameter)
        read_weights(in, piece, part, [&](const float* w, const float*, Range at) {
          sums[count + p] += square_sum(w, at.length());
        });
    });
    in.sum(sums);
    for (std::size_t p = 0; p < count; ++p) {
      const auto rms = [&](double sum) {
        return std::sqrt(sum / static_cast<double>(rules_[p].range.length()));
      };
      double lr = in.lr * rules_[p].lr_scale;
      if (options_.scale_parameter) lr *= std::max(kScaleFloor, rms(sums[count + p]));
      plans_[p].decay = static_cast<float>(1.0 - lr * rules_[p].weight_decay);
      plans_[p].step_size = static_cast<float>(lr / std::max(1.0, rms(sums[p]) / options_.clip_threshold));
    }
  }

  // Where a parameter's column sums begin among [rows | columns | vectors].
  std::int64_t column_sums_at(const Place& place) const {
    return places_.rows + (place.vector() ? places_.columns : 0) + place.column_at;
  }
  float* column_means(const Place& place) const {
    return state_.whole(place.vector() ? kVector : kColumn) + place.column_at;
  }

  // body(cut, row, column): `range` of parameter p cut at the ends of its rows.
  template <class Body>
  void for_cuts(std::size_t p, Range range, Body&& body) const {
    const std::int64_t columns = places_.of[p].columns;
    for (Range cut{range.begin, range.begin}; cut.end < range.end;) {
      const std::int64_t offset = cut.end - rules_[p].range.begin, column = offset % columns;
      cut = {cut.end, std::min(range.end, cut.end + columns - column)};
      body(cut, offset / columns, column);
    }
  }

  // body(u, cut): the unclipped update of `range`, whose gradient is `g`, cut at the ends of rows.
  template <class Body>
  void for_rows(std::size_t p, Range range, const float* g, Body&& body) const {
    const Place& place = places_.of[p];
    std::vector<float> u(static_cast<std::size_t>(place.columns));
    for_cuts(p, range, [&](Range cut, std::int64_t row, std::int64_t column) {
      const float row_factor =
          place.vector() ? 1.0f : std::sqrt(plans_[p].mean_of_rows / state_.whole(kRow)[place.row_at + row]);
      update_of(g + (cut.begin - range.begin), column_means(place) + column, row_factor, u.data(),
                cut.length());
      body(u.data(), cut);
    });
  }

  OptimOptions options_;
  std::vector<ParameterRule> rules_;
  Places places_;
  StateBuffers state_;
  std::vector<Plan> plans_;
};

}  // namespace

OptimizerKind adafactor() { return {state_of, make_as<Adafactor>}; }

}  // namespace hone::optim
