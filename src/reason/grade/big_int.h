#pragma once
// Integers of any size that the bounds allow: sign and magnitude, 32-bit limbs, least significant first.
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace minke::grading {

class BigInt {
 public:
  BigInt() = default;
  BigInt(int64_t value);  // NOLINT: a number is a number
  static BigInt parse(std::string_view digits);  // decimal digits alone
  static BigInt power(const BigInt& base, uint32_t exponent);

  bool is_zero() const { return limbs_.empty(); }
  bool is_one() const { return !negative_ && limbs_.size() == 1 && limbs_[0] == 1; }
  bool negative() const { return negative_; }
  int64_t bits() const;                // of the magnitude; 0 for 0
  bool fits64() const { return bits() <= 62; }
  int64_t small() const;               // REQUIRES fits64()
  uint64_t mod(uint64_t m) const;      // the non-negative remainder; m < 2^62
  double mantissa(int64_t& exponent) const;  // value = mantissa * 2^exponent, |mantissa| in [0.5, 1)
  std::string text() const;            // decimal

  BigInt operator-() const;
  BigInt abs() const { return negative_ ? -*this : *this; }
  friend BigInt operator+(const BigInt& a, const BigInt& b);
  friend BigInt operator-(const BigInt& a, const BigInt& b);
  friend BigInt operator*(const BigInt& a, const BigInt& b);
  BigInt operator<<(int64_t n) const;
  BigInt operator>>(int64_t n) const;  // of the magnitude: towards zero
  // Towards zero; the remainder has the sign of `a`. Refused for b = 0.
  static void divide(const BigInt& a, const BigInt& b, BigInt& quotient, BigInt& remainder);
  friend BigInt operator/(const BigInt& a, const BigInt& b);
  static BigInt gcd(BigInt a, BigInt b);
  BigInt square_root() const;          // floor; REQUIRES not negative

  friend bool operator==(const BigInt&, const BigInt&) = default;
  friend std::strong_ordering operator<=>(const BigInt& a, const BigInt& b);

 private:
  using Limbs = std::vector<uint32_t>;
  static int compare(const Limbs& a, const Limbs& b);
  static Limbs add(const Limbs& a, const Limbs& b);
  static Limbs subtract(const Limbs& a, const Limbs& b);  // a >= b
  void trim();
  bool negative_ = false;
  Limbs limbs_;
};

}  // namespace minke::grading
