//! The days and times of this machine, as they stand beside the lines of a screen.

use std::ffi::OsStr;
use std::{env, fs};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use ringchat_core::UnixTime;

use crate::line::Line;

/// Puts the time before lines, if the user wants that, and a line of its own before the first line of a new day.
#[derive(Debug)]
pub(crate) struct Calendar {
    zone: TimeZone,
    shows_times: bool,
    /// Whether new days are told although no times are shown.
    tells_days: bool,
    /// The day of the last line.
    day: Option<Date>,
}

/// A day and a time of day, as a screen tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DayTime {
    /// `Saturday 28 November 2026`
    pub(crate) day: String,
    /// `2026-11-28`
    pub(crate) short_day: String,
    /// `20:01`, with a blank behind it.
    pub(crate) clock: String,
}

impl Calendar {
    /// The calendar of this machine.
    pub(crate) fn new(shows_times: bool, tells_days: bool) -> Self {
        Self { zone: zone(), shows_times, tells_days, day: None }
    }

    /// Shows times from now on, or no longer.
    pub(crate) fn show_times(&mut self, on: bool) {
        self.shows_times = on;
    }

    /// What stands on the screen for `line`, which came at `at`: perhaps a new day, then the line.
    pub(crate) fn date(&mut self, line: Line, at: UnixTime) -> Vec<Line> {
        let Some(at) = self.local(at) else { return vec![line] };
        let before = self.day.replace(at.date());
        let is_told = self.shows_times || (self.tells_days && before.is_some());
        let mut lines = Vec::new();
        if is_told && before != self.day {
            lines.push(Line::system(&at.strftime("%A %-d %B %Y").to_string()));
        }
        lines.push(if self.shows_times { line.after(&at.strftime("%H:%M ").to_string()) } else { line });
        lines
    }

    /// The day and the time of day at `at`. `None` if that is no time.
    pub(crate) fn moment(&self, at: UnixTime) -> Option<DayTime> {
        let at = self.local(at)?;
        let told = |format: &str| at.strftime(format).to_string();
        Some(DayTime { day: told("%A %-d %B %Y"), short_day: told("%F"), clock: told("%H:%M ") })
    }

    fn local(&self, at: UnixTime) -> Option<Zoned> {
        let at = Timestamp::from_second(i64::try_from(at.0).ok()?).ok()?;
        Some(at.to_zoned(self.zone.clone()))
    }
}

/// More bytes than any file of a zone has.
const MAX_ZONE: u64 = 1024 * 1024;

/// The zone of this machine; UTC if it cannot be had.
fn zone() -> TimeZone {
    let is_readable = env::var_os("TZ").is_none_or(|tz| is_readable(&tz));
    if is_readable { TimeZone::system() } else { TimeZone::UTC }
}

/// Whether the variable `TZ` with this value can be looked at without harm: it may name a file, which the library would
/// read to its end.
fn is_readable(tz: &OsStr) -> bool {
    let file = tz.to_str().map_or(tz, |tz| OsStr::new(tz.strip_prefix(':').unwrap_or(tz)));
    // What is no file is a name, or a rule.
    fs::metadata(file).map_or(true, |file| file.is_dir() || (file.is_file() && file.len() <= MAX_ZONE))
}

/// `2026-11-28T20:01:02.345Z`, given in microseconds since the beginning of 1970.
pub(crate) fn utc(micros: u64) -> String {
    let at = i64::try_from(micros).ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
    at.unwrap_or(Timestamp::UNIX_EPOCH).strftime("%FT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-28 20:01:02 UTC.
    const EVENING: u64 = 1_795_896_062;

    impl Calendar {
        /// A calendar in no zone.
        pub(crate) fn in_utc(shows_times: bool, tells_days: bool) -> Self {
            Self { zone: TimeZone::UTC, ..Self::new(shows_times, tells_days) }
        }
    }

    fn dated(calendar: &mut Calendar, at: u64) -> Vec<String> {
        let lines = calendar.date(Line::system("x"), UnixTime(at));
        lines.iter().map(|line| line.render(false)).collect()
    }

    #[test]
    fn a_new_day_is_told_before_its_first_line_and_the_first_day_beside_times() {
        let mut plain = Calendar::in_utc(false, true);
        assert_eq!(dated(&mut plain, EVENING), ["/// x ///"]);
        assert_eq!(dated(&mut plain, EVENING + 4 * 3600), ["/// Sunday 29 November 2026 ///", "/// x ///"]);
        assert_eq!(dated(&mut plain, EVENING + 5 * 3600), ["/// x ///"]);
        let mut timed = Calendar::in_utc(true, false);
        assert_eq!(dated(&mut timed, EVENING), ["/// Saturday 28 November 2026 ///", "20:01 /// x ///"]);
        assert_eq!(dated(&mut timed, EVENING + 60), ["20:02 /// x ///"]);
    }

    #[test]
    fn nothing_is_added_unless_it_was_asked_for() {
        let mut file = Calendar::in_utc(false, false);
        assert_eq!(dated(&mut file, EVENING), ["/// x ///"]);
        assert_eq!(dated(&mut file, EVENING + 86_400), ["/// x ///"]);
        file.show_times(true);
        assert_eq!(dated(&mut file, EVENING + 86_400), ["20:01 /// x ///"]);
        assert_eq!(dated(&mut file, u64::MAX), ["/// x ///"], "a clock that is no clock");
    }

    #[test]
    fn a_time_for_programs_is_in_utc_with_milliseconds() {
        assert_eq!(utc(EVENING * 1_000_000 + 345_678), "2026-11-28T20:01:02.345Z");
        assert_eq!(utc(u64::MAX), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_zone_is_read_only_from_a_file_of_a_usual_size() {
        let folder = tempfile::tempdir().unwrap();
        let [small, large] = ["small", "large"].map(|name| folder.path().join(name));
        fs::write(&small, "TZif").unwrap();
        fs::File::create(&large).unwrap().set_len(MAX_ZONE + 1).unwrap();
        let readable = |tz: &str| is_readable(OsStr::new(tz));
        for right in ["", "Europe/Berlin", ":Europe/Berlin", "CET-1CEST", small.to_str().unwrap()] {
            assert!(readable(right), "{right}");
        }
        assert!(is_readable(folder.path().as_os_str()) && !is_readable(large.as_os_str()));
        #[cfg(unix)]
        assert!(!readable("/dev/zero") && !readable(":/dev/zero"));
    }
}
