//! Days, by which people remember when they met somebody.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use ringchat_core::UnixTime;

/// The wall clock.
pub(crate) fn now() -> UnixTime {
    UnixTime(Timestamp::now().as_second().try_into().unwrap_or(0))
}

/// The wall clock in microseconds since the beginning of 1970, in UTC.
pub(crate) fn now_micros() -> u64 {
    Timestamp::now().as_microsecond().try_into().unwrap_or(0)
}

/// `2026-05-03 14:05 UTC`.
pub(crate) fn moment(at: UnixTime) -> String {
    let at = i64::try_from(at.0).ok().and_then(|at| Timestamp::from_second(at).ok());
    match at {
        Some(at) => at.strftime("%F %H:%M UTC").to_string(),
        None => "a time that no calendar has".to_owned(),
    }
}

/// A day of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(Date);

impl Day {
    /// The present day.
    pub(crate) fn today() -> Self {
        Self(Timestamp::now().to_zoned(TimeZone::UTC).date())
    }

    /// `3 May`, and the year if it is not that of `today`.
    pub(crate) fn spoken(self, today: Self) -> String {
        let form = if self.0.year() == today.0.year() { "%-d %B" } else { "%-d %B %Y" };
        self.0.strftime(form).to_string()
    }
}

/// `2026-05-03`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Day {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        // All other forms of the standard are refused.
        let day: Date = text.parse().map_err(drop)?;
        if day.to_string() == text { Ok(Self(day)) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_written_and_spoken_with_its_year_if_that_is_another() {
        let day: Day = "2026-05-03".parse().unwrap();
        assert_eq!(day.to_string(), "2026-05-03");
        assert_eq!(day.spoken("2026-12-31".parse().unwrap()), "3 May");
        assert_eq!(day.spoken("2027-01-01".parse().unwrap()), "3 May 2026");
        assert!(day < "2026-05-04".parse().unwrap());
        assert_eq!(moment(UnixTime(1_777_817_100)), "2026-05-03 14:05 UTC");
        assert_eq!(moment(UnixTime(u64::MAX)), "a time that no calendar has");
        for wrong in ["", "2026-05", "2026-5-03", "2026-02-30", "2026-13-01", "+026-05-03", "2026-05-03x"] {
            assert_eq!(wrong.parse::<Day>(), Err(()), "{wrong}");
        }
    }
}
