// Several numbers as one vector, read from and written to memory of float or bfloat16; arithmetic is in float.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

using bfloat16 = uint16_t;  // its bits: the upper half of a float

template <class T, int W>
using Lanes [[gnu::vector_size(sizeof(T) * W)]] = T;
template <int W>
using Floats = Lanes<float, W>;

template <int W>
static inline Floats<W> load(const float* from) {
  Floats<W> values;
  std::memcpy(&values, from, sizeof values);
  return values;
}

template <int W>
static inline Floats<W> load(const bfloat16* from) {
  Lanes<uint16_t, W> halves;
  std::memcpy(&halves, from, sizeof halves);
#ifdef __AVX512F__
  if constexpr (W == 16) return (Floats<W>)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)halves), 16);
#endif
  return (Floats<W>)(__builtin_convertvector(halves, Lanes<uint32_t, W>) << 16);
}

template <int W>
static inline void store(float* to, Floats<W> values) {
  std::memcpy(to, &values, sizeof values);
}

template <int W>
static inline void store(bfloat16* to, Floats<W> values) {
#ifdef __AVX512BF16__
  if constexpr (W == 16) {
    auto halves = _mm512_cvtneps_pbh((__m512)values);
    std::memcpy(to, &halves, sizeof halves);
    return;
  }
#endif
  auto bits = (Lanes<uint32_t, W>)values;
  auto rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;  // to nearest, ties to even
  auto nan = (Lanes<uint32_t, W>)(values != values);
  auto halves = __builtin_convertvector((nan & 0x7fc0u) | (~nan & rounded), Lanes<uint16_t, W>);
  std::memcpy(to, &halves, sizeof halves);
}
