//! Days, by which people remember when they met somebody.

use std::fmt;
use std::str::FromStr;

use ringchat_core::UnixTime;
use time::{Date, Month, OffsetDateTime};

/// The wall clock.
pub(crate) fn now() -> UnixTime {
    UnixTime(OffsetDateTime::now_utc().unix_timestamp().try_into().unwrap_or(0))
}

/// The wall clock in microseconds since the beginning of 1970, in UTC.
pub(crate) fn now_micros() -> u64 {
    u64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000).unwrap_or(0)
}

/// `2026-05-03 14:05 UTC`.
pub(crate) fn moment(at: UnixTime) -> String {
    let at = i64::try_from(at.0).ok().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    match at {
        Some(at) => format!("{} {:02}:{:02} UTC", Day(at.date()), at.hour(), at.minute()),
        None => "a time that no calendar has".to_owned(),
    }
}

/// A day of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(Date);

impl Day {
    /// The present day.
    pub(crate) fn today() -> Self {
        Self(OffsetDateTime::now_utc().date())
    }

    /// `3 May`, and the year if it is not that of `today`.
    pub(crate) fn spoken(self, today: Self) -> String {
        let Self(day) = self;
        let year = if day.year() == today.0.year() { String::new() } else { format!(" {}", day.year()) };
        format!("{} {}{year}", day.day(), day.month())
    }
}

/// `2026-05-03`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(day) = self;
        write!(f, "{:04}-{:02}-{:02}", day.year(), u8::from(day.month()), day.day())
    }
}

impl FromStr for Day {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.contains('+') {
            return Err(());
        }
        let mut parts = text.splitn(3, '-').map(|part| (part.len(), part.parse::<u16>()));
        let (Some((4, Ok(year))), Some((2, Ok(month))), Some((2, Ok(day)))) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(());
        };
        let month = u8::try_from(month).ok().and_then(|month| Month::try_from(month).ok()).ok_or(())?;
        let day = Date::from_calendar_date(year.into(), month, day.try_into().map_err(drop)?);
        day.map(Self).map_err(drop)
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
