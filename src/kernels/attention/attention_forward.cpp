#include <algorithm>
#include <optional>
#include <tuple>
#include <vector>

#include "base/buffer.h"
#include "base/error.h"
#include "base/ledger.h"
#include "base/threads.h"
#include "kernels/attention/attention.h"
#include "kernels/attention/attention_internal.h"
#include "kernels/attention/key_tiles.h"
#include "kernels/gemm/gemm.h"
#include "kernels/math/isa_variants.h"

#define MINKE_VARIANT_LOOPS "kernels/attention/attention_forward_loops.inc"
#include "kernels/math/isa_variants.inc"

// A row is one (query, head). For each key tile a row gets its own max, sum and P·V, which depend on nothing but the row and the tile;
// tiles are then merged into the row in order. So it makes no difference which rows share a tile's packed keys, and even the tiles of a
// row may be computed apart (decode). Rows whose limit ends before a tile skip it: no zeros are added.
namespace minke {
namespace {

constexpr int64_t kRowBlock = 64;      // rows of one product
constexpr int64_t kMaxRows = 2048;     // rows of one task: bounds its scratch

// Queries q0 .. q1 of one segment, heads h0 .. h0 + heads that read the same keys; rows ordered by query, then head.
struct Piece {
  const AttentionSegment* segment = nullptr;
  int64_t h0 = 0, heads = 1, q0 = 0, q1 = 0;
  bool puts_keys = false;   // into the segment's pages, before it looks at them
  int64_t rows() const { return (q1 - q0) * heads; }
  int64_t position(int64_t row) const { return segment->first + q0 + row / heads; }
  int64_t tiles() const { return (segment->first + q1 + kKeyTile - 1) / kKeyTile; }
  // The first row that sees the tile's first key.
  int64_t first_row(int64_t tile) const { return std::max<int64_t>(0, tile * kKeyTile - segment->first - q0) * heads; }
};

struct Loops {
  decltype(MINKE_VARIANT(softmax_tile)) softmax = MINKE_VARIANT(softmax_tile);
  decltype(MINKE_VARIANT(merge_tile)) merge = MINKE_VARIANT(merge_tile);
  decltype(MINKE_VARIANT(finish_rows)) finish = MINKE_VARIANT(finish_rows);
  Bf16Encoder encode = bf16_encoder();
  decltype(gemm_variant().run) product = gemm_variant().run;
  decltype(gemm_variant().run_each) product_each = gemm_variant().run_each;
  PackedLayout panels;
};

Loops loops_of(const AttentionShape& a) {
  Loops loops;
  loops.panels = packed_layout(a.dtype);
  return loops;
}

// The rows of a piece as one matrix: in place where one head's rows are strided rows already, gathered where heads are interleaved.
struct Queries {
  const char* data;
  int64_t stride;
};
Queries gather_queries(const AttentionShape& a, const Piece& p, Arena& arena) {
  const int64_t bytes = int64_t(dtype_bytes(a.dtype)), d = a.d_nope + a.d_rope;
  const char* first = element(p.segment->q, p.q0 * a.q_row + p.h0 * a.q_head, bytes);
  if (p.heads == 1) return {first, a.q_row};
  char* dst = arena.take<char>(p.rows() * d * bytes);
  for (int64_t i = 0; i < p.q1 - p.q0; ++i)
    copy_rows(element(first, i * a.q_row, bytes), a.q_head, d, p.heads, p.heads, bytes, element(dst, i * p.heads * d, bytes), d);
  return {dst, d};
}

// One key tile of one head, packed as the two right-hand sides.
struct PackedTile {
  const void* k;   // [d, 64 keys]; its rows from k_split on at k_rest, if that is not 0
  const void* v;   // [64 keys, d_v]
  int64_t k_split = 0;
  const void* k_rest = nullptr;
};

// Gives a piece its tiles: where they lie if the cache keeps them packed, else packed here.
class TileSource {
 public:
  TileSource(const AttentionShape& a, const KeyTileLayout* layout, Arena& arena) : a_(a), layout_(layout) {
    if (layout) return;
    const int64_t d = a.d_nope + a.d_rope;
    k_ = arena.take(size_t(packed_b_bytes(a.dtype, d, kKeyTile)));
    v_ = arena.take(size_t(packed_b_bytes(a.dtype, kKeyTile, a.d_v)));
    copy_ = arena.take(size_t(kKeyTile * std::max(d, a.d_v)) * dtype_bytes(a.dtype));
  }
  const char* page(const Piece& p, int64_t tile) const { return page_tile(*p.segment, tile); }
  PackedTile get(const Piece& p, int64_t tile) const {
    const AttentionSegment& s = *p.segment;
    if (layout_) {
      const void* page = page_tile(s, tile);
      return {layout_->k(page, p.h0), layout_->v(page, p.h0), layout_->k_split, layout_->k_rope(page)};
    }
    if (a_.keys == KeyStore::kRows) return pack(p, tile, key_rows(a_, s, tile * kKeyTile));
    const char* page = page_tile(s, tile);
    return pack(p, tile, {page, page + a_.page_k_rope, page + a_.page_v});
  }

 private:
  const char* page_tile(const AttentionSegment& s, int64_t tile) const { return static_cast<const char*>(s.pages[tile]) + a_.page_tile; }

  // Keys past the last one that the piece sees are zeros, whatever lies in memory behind them.
  PackedTile pack(const Piece& p, int64_t tile, const KeyRows& rows) const {
    const int64_t bytes = int64_t(dtype_bytes(a_.dtype)), d = a_.d_nope + a_.d_rope;
    const int64_t keys = std::min(kKeyTile, p.segment->first + p.q1 - tile * kKeyTile);
    copy_keys(a_, rows, p.h0, keys, kKeyTile, copy_);
    pack_b(a_.dtype, d, kKeyTile, copy_, a_.dtype, 1, d, k_);
    const char* v = element(rows.v, p.h0 * a_.v_head, bytes);
    if (keys == kKeyTile) {
      pack_b(a_.dtype, kKeyTile, a_.d_v, v, a_.dtype, a_.v_row, 1, v_);
    } else {
      copy_rows(v, a_.v_row, a_.d_v, keys, kKeyTile, bytes, copy_, a_.d_v);
      pack_b(a_.dtype, kKeyTile, a_.d_v, copy_, a_.dtype, a_.d_v, 1, v_);
    }
    return {k_, v_};
  }

  const AttentionShape& a_;
  const KeyTileLayout* layout_;
  void *k_ = nullptr, *v_ = nullptr, *copy_ = nullptr;
};

// Writes the keys of a piece's queries and heads into its segment's pages.
void put_keys(const AttentionShape& a, const KeyTileLayout& layout, const Piece& p) {
  const AttentionSegment& s = *p.segment;
  for (int64_t q = p.q0; q < p.q1; ++q) {
    const int64_t position = s.first + q;
    char* tile = static_cast<char*>(s.pages[position / kKeyTile]) + a.page_tile;
    put_key(a, layout, tile, p.h0, p.heads, position % kKeyTile, key_rows(a, s, q));
  }
}

// Rows of V that a product with probabilities of `keys` keys needs: later ones are multiplied with zeros. All of them where a prefix of
// V's rows is not a prefix of its panels.
int64_t keys_looked_at(const AttentionShape& a, const Loops& loops, int64_t keys) {
  const int64_t unit = std::max<int64_t>(loops.panels.k_unit, 2);
  return a.d_v <= loops.panels.width ? (keys + unit - 1) / unit * unit : kKeyTile;
}

// A tile's own softmax and P·V for rows r0 .. r1 (at most kRowBlock): max, sum [rows] and o [rows, d_v].
struct TileScratch {
  float* s;   // [64 rows, 64 keys]; probabilities after the softmax
  void* p;    // the same in dtype: s itself when that is f32
  float* max;
  float* sum;
  float* o;   // [64, d_v]
};
TileScratch take_scratch(const AttentionShape& a, Arena& arena) {
  float* s = arena.take<float>(kRowBlock * kKeyTile);
  return {s, a.dtype == DType::kF32 ? static_cast<void*>(s) : arena.take<bf16>(kRowBlock * kKeyTile), arena.take<float>(kRowBlock),
          arena.take<float>(kRowBlock), arena.take<float>(kRowBlock * a.d_v)};
}
void attend_tile(const AttentionShape& a, const Piece& p, const Queries& q, const Loops& loops, int64_t tile, const PackedTile& packed,
                 int64_t r0, int64_t r1, const TileScratch& out) {
  const int64_t bytes = int64_t(dtype_bytes(a.dtype)), d = a.d_nope + a.d_rope, rows = r1 - r0;
  int32_t valid[kRowBlock];
  for (int64_t r = 0; r < rows; ++r) valid[r] = int32_t(std::min(kKeyTile, p.position(r0 + r) + 1 - tile * kKeyTile));
  const auto scores = [&](int64_t from, int64_t to, int64_t keys) {
    if (from < to)
      loops.product({.dtype = a.dtype, .n = keys, .k = d, .k_split = packed.k_split},
                    {.m = to - from, .a = element(q.data, (r0 + from) * q.stride, bytes), .lda = q.stride, .b = packed.k,
                     .c = out.s + from * kKeyTile, .ldc = kKeyTile, .b_rest = packed.k_rest});
  };
  // Of the last tile, scores for the keys that are seen alone: a single row to the next vector, others to half of the tile. And no
  // more of V than that (its probabilities are zero), where a prefix of V's keys is a prefix of its panel.
  int64_t seen = kKeyTile;
  if (rows == 1) {
    scores(0, 1, (valid[0] + 15) / 16 * 16);
    seen = keys_looked_at(a, loops, valid[0]);
  } else {
    const int64_t half_rows = std::upper_bound(valid, valid + rows, kKeyTile / 2) - valid;
    scores(0, half_rows, kKeyTile / 2);
    scores(half_rows, rows, kKeyTile);
  }
  loops.softmax(out.s, rows, valid, a.scale, out.max, out.sum);
  if (a.dtype == DType::kBF16) loops.encode(out.s, static_cast<bf16*>(out.p), rows * kKeyTile);
  loops.product({.dtype = a.dtype, .n = a.d_v, .k = seen},
                {.m = rows, .a = out.p, .lda = kKeyTile, .b = packed.v, .c = out.o, .ldc = a.d_v});
}

// What a row has gathered so far.
struct RowState {
  float* max;
  float* sum;
  float* o;   // [rows, d_v]
};
RowState take_state(int64_t rows, int64_t d_v, Arena& arena) {
  RowState s{arena.take<float>(rows), arena.take<float>(rows), arena.take<float>(rows * d_v)};
  if (dry_run()) return s;
  std::fill_n(s.max, rows, -HUGE_VALF);
  std::fill_n(s.sum, rows, 0.0f);
  std::fill_n(s.o, rows * d_v, 0.0f);
  return s;
}
void finish(const AttentionShape& a, const Piece& p, const Loops& loops, const RowState& state) {
  const int64_t bytes = int64_t(dtype_bytes(a.dtype));
  loops.finish(p.rows(), a.d_v, state.max, state.sum, state.o);
  // Rows of o are evenly spaced along the queries of one head, or along the heads of one query.
  const bool one_head = p.heads == 1;
  const int64_t run = one_head ? p.rows() : p.heads, stride = one_head ? a.o_row : a.o_head;
  for (int64_t r = 0; r < p.rows(); r += run) {
    void* out = element(p.segment->o, (p.q0 + r / p.heads) * a.o_row + p.h0 * a.o_head, bytes);
    store_rows(state.o + r * a.d_v, a.d_v, run, a.d_v, a.dtype, out, stride);
  }
  if (!p.segment->lse) return;
  for (int64_t r = 0; r < p.rows(); ++r) p.segment->lse[(p.q0 + r / p.heads) * a.heads + p.h0 + r % p.heads] = state.sum[r];
}

// Runs one piece after the other with the same scratch.
class PieceRunner {
 public:
  PieceRunner(const AttentionShape& a, const KeyTileLayout* layout)
      : a_(a), layout_(layout), arena_(thread_arena()), scope_(arena_), loops_(loops_of(a)), tiles_(a, layout, arena_), tile_(take_scratch(a, arena_)) {}

  void run(std::span<const Piece> pieces) {
    for (size_t i = 0; i < pieces.size(); ++i) {
      // A piece's keys are written while the one before it is at work: reading them right behind the stores would wait for these.
      if (i == 0) put(pieces[i]);
      if (i + 1 < pieces.size()) put(pieces[i + 1]);
      run(pieces[i], i + 1 < pieces.size() ? &pieces[i + 1] : nullptr);
    }
  }

 private:
  void put(const Piece& p) {
    if (p.puts_keys) put_keys(a_, *layout_, p);
  }

  // next: the piece to come, or null.
  void run(const Piece& p, const Piece* next) {
    if (layout_ && p.heads > 1) return run_heads(p, next);
    ArenaScope scope(arena_);
    const Queries q = gather_queries(a_, p, arena_);
    const RowState state = take_state(p.rows(), a_.d_v, arena_);
    if (dry_run()) return;
    for (int64_t t = 0; t < p.tiles(); ++t) {
      const PackedTile packed = tiles_.get(p, t);
      for (int64_t r0 = p.first_row(t); r0 < p.rows(); r0 += kRowBlock) {
        const int64_t r1 = std::min(p.rows(), r0 + kRowBlock);
        attend_tile(a_, p, q, loops_, t, packed, r0, r1, tile_);
        loops_.merge(r1 - r0, a_.d_v, tile_.max, tile_.sum, tile_.o, state.max + r0, state.sum + r0, state.o + r0 * a_.d_v);
      }
    }
    finish(a_, p, loops_, state);
  }

  // One query, many heads, a tile's keys of all of them and then its values, as they lie in memory.
  void run_heads(const Piece& p, const Piece* next) {
    ArenaScope scope(arena_);
    const AttentionSegment& s = *p.segment;
    const int64_t bytes = int64_t(dtype_bytes(a_.dtype)), d = a_.d_nope + a_.d_rope, heads = p.heads;
    float* scores = arena_.take<float>(heads * kKeyTile);
    void* probabilities = a_.dtype == DType::kF32 ? static_cast<void*>(scores) : arena_.take<bf16>(heads * kKeyTile);
    float *max = arena_.take<float>(heads), *sum = arena_.take<float>(heads), *o = arena_.take<float>(heads * a_.d_v);
    const RowState state = take_state(heads, a_.d_v, arena_);
    const char* q = element(s.q, p.q0 * a_.q_row + p.h0 * a_.q_head, bytes);
    int32_t valid[kRowBlock];
    GemmProblem products[kRowBlock];
    for (int64_t t = 0; t < p.tiles(); ++t) {
      // What is read next lies elsewhere: a quarter of it is asked for beside each stage of this tile.
      const Piece* after = t + 1 < p.tiles() ? &p : next;
      const int64_t tile_after = after == &p ? t + 1 : 0;
      const auto read_ahead = [&](int64_t quarter) {
        if (after) read_tile_ahead(a_, *layout_, tiles_.page(*after, tile_after), std::min(kKeyTile, after->position(0) + 1 - tile_after * kKeyTile), quarter, 4);
      };
      read_ahead(0);
      const char* page = tiles_.page(p, t);
      const int64_t keys = std::min(kKeyTile, p.position(0) + 1 - t * kKeyTile);
      std::fill_n(valid, heads, int32_t(keys));
      for (int64_t h = 0; h < heads; ++h)
        products[h] = {.m = 1, .a = element(q, h * a_.q_head, bytes), .lda = d, .b = layout_->k(page, p.h0 + h), .c = scores + h * kKeyTile,
                       .ldc = kKeyTile, .b_rest = layout_->k_rope(page)};
      const std::span<const GemmProblem> of_heads(products, size_t(heads));
      loops_.product_each({.dtype = a_.dtype, .n = (keys + 15) / 16 * 16, .k = d, .k_split = layout_->k_split}, of_heads);
      read_ahead(1);
      loops_.softmax(scores, heads, valid, a_.scale, max, sum);
      if (a_.dtype == DType::kBF16) loops_.encode(scores, static_cast<bf16*>(probabilities), heads * kKeyTile);
      read_ahead(2);
      for (int64_t h = 0; h < heads; ++h)
        products[h] = {.m = 1, .a = element(probabilities, h * kKeyTile, bytes), .lda = kKeyTile, .b = layout_->v(page, p.h0 + h), .c = o + h * a_.d_v,
                       .ldc = a_.d_v};
      loops_.product_each({.dtype = a_.dtype, .n = a_.d_v, .k = keys_looked_at(a_, loops_, keys)}, of_heads);
      read_ahead(3);
      loops_.merge(heads, a_.d_v, max, sum, o, state.max, state.sum, state.o);
    }
    finish(a_, p, loops_, state);
  }

  const AttentionShape& a_;
  const KeyTileLayout* layout_;
  Arena& arena_;
  ArenaScope scope_;
  Loops loops_;
  TileSource tiles_;
  TileScratch tile_;
};

// Few rows over many keys (decode of one sequence): the tiles are shared out, then merged in their order. The same bits.
void run_piece_by_tiles(const AttentionShape& a, const Piece& p, const KeyTileLayout* layout) {
  const int64_t rows = p.rows(), tiles = p.tiles();
  Arena& arena = thread_arena();
  ArenaScope scope(arena);
  const Loops loops = loops_of(a);
  if (p.puts_keys) put_keys(a, *layout, p);
  const Queries q = gather_queries(a, p, arena);
  float* max = arena.take<float>(tiles * rows);
  float* sum = arena.take<float>(tiles * rows);
  float* o = arena.take<float>(tiles * rows * a.d_v);
  parallel_ranges(tiles, 4, [&](int64_t begin, int64_t end) {
    Arena& own = thread_arena();
    ArenaScope own_scope(own);
    const TileSource source(a, layout, own);
    TileScratch tile = take_scratch(a, own);
    for (int64_t t = begin; t < end; ++t) {
      const int64_t r0 = p.first_row(t);
      const PackedTile packed = source.get(p, t);
      tile.max = max + t * rows + r0, tile.sum = sum + t * rows + r0, tile.o = o + (t * rows + r0) * a.d_v;
      attend_tile(a, p, q, loops, t, packed, r0, rows, tile);
    }
  });
  const RowState state = take_state(rows, a.d_v, arena);
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t r0 = p.first_row(t), at = t * rows + r0;
    loops.merge(rows - r0, a.d_v, max + at, sum + at, o + at * a.d_v, state.max + r0, state.sum + r0, state.o + r0 * a.d_v);
  }
  finish(a, p, loops, state);
}

// Heads that read the same keys (absorbed form) are one piece, so that a tile is packed once for all of them. Long runs of queries are
// cut at tile boundaries: into pieces of at most kMaxRows, and into enough of them for the pool.
std::vector<Piece> cut_pieces(const AttentionShape& a, std::span<const AttentionSegment> segments) {
  const bool shared = a.k_nope_head == 0 && a.v_head == 0 && a.keys != KeyStore::kPagedTiles;
  const bool many = std::count_if(segments.begin(), segments.end(), [](const AttentionSegment& s) { return s.n_q > 0; }) >= thread_count();
  // Heads of a piece. Decoding many sequences from packed tiles takes all of a tile that lies together.
  const auto heads_of = [&](const AttentionSegment& s) {
    if (a.keys == KeyStore::kPagedTiles && s.n_q == 1 && many) return std::min<int64_t>(a.heads, kRowBlock);
    return shared ? a.heads : 1;
  };
  const auto groups_of = [&](const AttentionSegment& s) { return (a.heads + heads_of(s) - 1) / heads_of(s); };
  int64_t units = 0;
  for (const AttentionSegment& s : segments) units += s.n_q > 0 ? groups_of(s) : 0;
  const int64_t wanted = units ? (4 * thread_count() + units - 1) / units : 0;  // pieces of one unit
  std::vector<Piece> pieces;
  for (const AttentionSegment& s : segments) {
    const int64_t heads = heads_of(s), groups = groups_of(s);
    const int64_t blocks = (s.first + s.n_q + kKeyTile - 1) / kKeyTile - s.first / kKeyTile;
    const int64_t cuts = std::clamp<int64_t>(std::max(wanted, (s.n_q * heads + kMaxRows - 1) / kMaxRows), 1, std::max<int64_t>(blocks, 1));
    for (int64_t c = cuts - 1; c >= 0; --c) {  // the last queries see the most keys: they start first
      const int64_t q0 = std::max<int64_t>(0, (s.first / kKeyTile + blocks * c / cuts) * kKeyTile - s.first);
      const int64_t q1 = std::min(s.n_q, (s.first / kKeyTile + blocks * (c + 1) / cuts) * kKeyTile - s.first);
      for (int64_t g = 0; g < groups && q0 < q1; ++g)
        pieces.push_back({&s, g * heads, std::min(heads, a.heads - g * heads), q0, q1, cuts == 1 && groups == 1 && a.keys == KeyStore::kPagedTiles});
    }
  }
  return pieces;
}

}  // namespace

void attention_forward(const AttentionShape& shape, std::span<const AttentionSegment> segments) {
  MINKE_CHECK(shape.heads >= 1 && shape.d_nope >= 0 && shape.d_rope >= 0 && shape.d_nope + shape.d_rope >= 1 && shape.d_v >= 1);
  const KernelScope kernel("attention forward", 2 * pairs(shape, segments) * double(shape.d_nope + shape.d_rope + shape.d_v), 0);
  std::optional<KeyTileLayout> tiles;
  if (shape.keys == KeyStore::kPagedTiles) tiles.emplace(shape);
  const KeyTileLayout* layout = tiles ? &*tiles : nullptr;
  const std::vector<Piece> pieces = cut_pieces(shape, segments);
  const auto later = [](const Piece& p) { return !p.puts_keys; };  // sees keys of other pieces
  if (layout && std::any_of(pieces.begin(), pieces.end(), later))
    parallel_for(int64_t(pieces.size()), [&](int64_t i) {
      const Piece& p = pieces[size_t(i)];
      if (later(p)) put_keys(shape, *layout, p);
    });
  const auto few_rows = [](const Piece& p) { return p.rows() <= kRowBlock && p.tiles() >= 8; };
  if (int64_t(pieces.size()) < thread_count() && std::all_of(pieces.begin(), pieces.end(), few_rows)) {
    for (const Piece& p : pieces) run_piece_by_tiles(shape, p, layout);
    return;
  }
  // Small pieces go to a thread several at a time: a task of its own for each query of a decoding step would cost more than it does.
  const auto cost = [](const Piece& p) { return (p.rows() + 8) * p.tiles(); };
  int64_t total = 0, sum = 0;
  for (const Piece& p : pieces) total += cost(p);
  std::vector<size_t> starts = {0};
  for (size_t i = 0; i < pieces.size(); ++i) {
    sum += cost(pieces[i]);
    if (sum * 8 * thread_count() < total && i + 1 < pieces.size()) continue;
    starts.push_back(i + 1);
    sum = 0;
  }
  parallel_for(int64_t(starts.size()) - 1, [&](int64_t task) {
    PieceRunner runner(shape, layout);
    runner.run(std::span(pieces).subspan(starts[size_t(task)], starts[size_t(task) + 1] - starts[size_t(task)]));
  });
}

}  // namespace minke
