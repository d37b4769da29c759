//! A moment, in whole microseconds since 1970 UTC: the precision of Redis `TIME` and of a PostgreSQL `timestamptz`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// Written as RFC 3339 in UTC with six sub-second digits: `2026-11-23T17:47:43.000123Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp {
    microseconds: i64,
}

impl Timestamp {
    /// 9999-12-31T23:59:59.999999Z, the last moment RFC 3339 can write.
    const MICROSECONDS_MAX: i64 = 253_402_300_799_999_999;

    /// `None` outside the years 1970 to 9999.
    pub fn from_microseconds(microseconds: i64) -> Option<Self> {
        (0..=Self::MICROSECONDS_MAX).contains(&microseconds).then_some(Self { microseconds })
    }

    pub fn microseconds(self) -> i64 {
        self.microseconds
    }

    pub fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Self::from_microseconds(i64::try_from(moment.unix_timestamp_nanos() / 1_000).ok()?)
    }

    pub fn date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.microseconds) * 1_000)
            .expect("the range was checked when the timestamp was made")
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
        f.write_str(&self.date_time().format(&format).map_err(|_| std::fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 time between 1970 and 9999"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_with_all_six_digits_and_read_back() {
        let moment = Timestamp::from_microseconds(1_795_456_063_000_120).unwrap();
        assert_eq!(moment.to_string(), "2026-11-23T17:47:43.000120Z");
        assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        assert_eq!(Timestamp::parse("2026-11-23T18:47:43.00012+01:00"), Some(moment));
    }

    #[test]
    fn moments_that_cannot_be_written_do_not_exist() {
        assert_eq!(Timestamp::from_microseconds(-1), None);
        assert_eq!(Timestamp::from_microseconds(i64::MAX), None);
        assert_eq!(Timestamp::parse("yesterday"), None);
        let last = Timestamp::from_microseconds(Timestamp::MICROSECONDS_MAX).unwrap();
        assert_eq!(last.to_string(), "9999-12-31T23:59:59.999999Z");
    }
}
