//! Money in whole minor units (cents), never in a float.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::value::RawValue;

/// An amount of money in minor units. Outside it is a decimal number of the major unit with two digits: `100.01`.
///
/// At most 15 digits: the script that judges bids computes with doubles, which are exact up to 2^53, and so do the
/// JSON readers of most clients (RFC 7493 section 2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Amount {
    minor_units: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("not a number")]
    NotANumber,
    #[error("must be greater than zero")]
    NotPositive,
    #[error("must be at most 9999999999999.99")]
    TooLarge,
    #[error("must have at most two decimals")]
    TooPrecise,
}

impl Amount {
    pub const ZERO: Self = Self { minor_units: 0 };
    /// The largest amount that can be bid.
    pub const MAX: Self = Self { minor_units: 999_999_999_999_999 };
    const DIGITS_MAX: usize = 15;
    /// Longer than any exact expansion of a double in our range; bounds the work on a hostile number.
    const TEXT_LENGTH_MAX: usize = 128;

    /// `None` above [`Amount::MAX`].
    pub fn from_minor_units(minor_units: u64) -> Option<Self> {
        (minor_units <= Self::MAX.minor_units).then_some(Self { minor_units })
    }

    pub fn minor_units(self) -> u64 {
        self.minor_units
    }

    /// The smallest amount above this one. May exceed [`Amount::MAX`] by one unit: then nothing more can be bid.
    pub fn successor(self) -> Self {
        Self { minor_units: self.minor_units + 1 }
    }

    /// Reads the text of a JSON number of the major unit, which must be positive.
    ///
    /// `100.01`, `1e2` and `1.50` are exact. A number with more decimals is taken if it is within 2 ulp of an exact
    /// amount, since clients that compute in doubles send `100.07000000000001` for `100.07`.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let number = Decimal::parse(text)?;
        let decimals_missing = 2 - number.scale;
        if decimals_missing < 0 {
            return nearest_within_2_ulp(text, &number);
        }
        let digits_after = number.digits.len() as i64 + decimals_missing;
        if digits_after > Self::DIGITS_MAX as i64 {
            return Err(AmountError::TooLarge);
        }
        let factor = 10_u64.pow(decimals_missing as u32);
        let minor_units = number.digits.parse::<u64>().map_err(|_| AmountError::TooLarge)? * factor;
        Ok(Self { minor_units })
    }
}

/// A positive number as `digits × 10^-scale`, without zeros at either end of the digits.
struct Decimal {
    digits: String,
    scale: i64,
}

impl Decimal {
    fn parse(text: &str) -> Result<Self, AmountError> {
        if text.len() > Amount::TEXT_LENGTH_MAX {
            return Err(if text.contains('.') { AmountError::TooPrecise } else { AmountError::TooLarge });
        }
        let (negative, magnitude) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = magnitude.split_once(['e', 'E']).unwrap_or((magnitude, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if !(all_digits(whole) && all_digits(fraction) && all_digits(exponent_digits)) {
            return Err(AmountError::NotANumber);
        }
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_matches('0');
        if negative || significant.is_empty() {
            return Err(AmountError::NotPositive);
        }
        let too_far = if exponent.starts_with('-') { AmountError::TooPrecise } else { AmountError::TooLarge };
        let exponent = exponent.parse::<i32>().map_err(|_| too_far)?;
        let zeros_behind = digits.len() - digits.trim_end_matches('0').len();
        let scale = fraction.len() as i64 - zeros_behind as i64 - i64::from(exponent);
        Ok(Self { digits: significant.to_owned(), scale })
    }
}

/// The amount next to a number with more than two decimals, if the two are the same to a client's double arithmetic.
fn nearest_within_2_ulp(text: &str, number: &Decimal) -> Result<Amount, AmountError> {
    let excess_decimals = usize::try_from(number.scale - 2).map_err(|_| AmountError::TooPrecise)?;
    let Some(kept) = number.digits.len().checked_sub(excess_decimals) else {
        return Err(AmountError::TooPrecise);
    };
    if kept > Amount::DIGITS_MAX {
        return Err(AmountError::TooLarge);
    }
    let (head, tail) = number.digits.split_at(kept);
    let rounds_up = tail.as_bytes().first().is_some_and(|digit| *digit >= b'5');
    let minor_units = head.parse::<u64>().unwrap_or(0) + u64::from(rounds_up);
    let nearest = Amount::from_minor_units(minor_units).ok_or(AmountError::TooLarge)?;
    let as_double = |text: &str| text.parse::<f64>().map_err(|_| AmountError::NotANumber);
    // Doubles of one sign are ordered as their bits, and neighbours differ by one.
    let ulp = as_double(text)?.to_bits().abs_diff(as_double(&nearest.to_string())?.to_bits());
    if ulp <= 2 { Ok(nearest) } else { Err(AmountError::TooPrecise) }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}", self.minor_units / 100, self.minor_units % 100)
    }
}

/// A JSON number with its two decimals, as text: serde's own numbers would pass through a double.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = RawValue::from_string(self.to_string()).map_err(serde::ser::Error::custom)?;
        number.serialize(serializer)
    }
}

/// Reads what [`Serialize`] writes: zero is an amount here, though not a bid.
impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Box::<RawValue>::deserialize(deserializer)?;
        if number.get() == Amount::ZERO.to_string() {
            return Ok(Amount::ZERO);
        }
        Amount::parse(number.get()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
