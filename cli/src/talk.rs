//! What the user chose about talk: what stands beside it, what rings, what is kept.

use std::str::FromStr;

use ringchat_core::limits::BACKLOG_TEXTS;

use crate::attention::BellKind;
use crate::flags::Flags;
use crate::presence::PresenceKind;
use crate::settings::{UsageError, given, is_on, parse};

/// The settings of talk. All values are checked.
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TalkSettings {
    /// Whether the time stands before each line, and in each message of `--json`.
    pub(crate) times: bool,
    /// The texts for which the terminal rings; `None` if the user said nothing.
    pub(crate) bell: Option<BellKind>,
    /// Whose comings and goings are told; `None` if the user said nothing.
    pub(crate) presence: Option<PresenceKind>,
    /// How many of the last texts are shown that were said before the user came; `None` if the user said nothing.
    pub(crate) backlog: Option<usize>,
    /// Whether typed lines are not kept for the next session.
    pub(crate) forgets: bool,
    /// Whether a terminal begins with the full screen.
    pub(crate) full_screen: bool,
}

impl TalkSettings {
    /// Takes each value from `flags`, else from the environment `env`, else the default.
    ///
    /// # Errors
    /// The first wrong value.
    pub(crate) fn new(flags: &Flags, env: impl Fn(&str) -> Option<String>) -> Result<Self, UsageError> {
        let bell = given("--bell", flags.bell.as_ref(), "RINGCHAT_BELL", &env);
        let presence = given("--presence", flags.presence.as_ref(), "RINGCHAT_PRESENCE", &env);
        let backlog = given("--backlog", flags.backlog.as_ref(), "RINGCHAT_BACKLOG", &env);
        let on = |flag: bool, name| is_on(flag, env(name));
        Ok(Self {
            times: on(flags.time, "RINGCHAT_TIME"),
            bell: parse(bell, "off, mentions or all")?,
            presence: parse(presence, "all, recent or none")?,
            backlog: parse(backlog, "a number from 0 to 20")?.map(|BacklogCount(count)| count),
            forgets: on(flags.no_history, "RINGCHAT_NO_HISTORY"),
            full_screen: on(flags.full_screen, "RINGCHAT_FULL_SCREEN"),
        })
    }
}

/// As many texts as a newcomer may be shown.
struct BacklogCount(usize);

impl FromStr for BacklogCount {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().ok().filter(|count| *count <= BACKLOG_TEXTS).map(Self).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(flags: &Flags, env: &[(&str, &str)]) -> Result<TalkSettings, UsageError> {
        let value =
            |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        TalkSettings::new(flags, value)
    }

    #[test]
    fn a_flag_counts_before_the_environment_and_nothing_is_chosen_without_either() {
        assert_eq!(talk(&Flags::default(), &[]).unwrap(), TalkSettings::default());
        let flags = Flags { bell: Some("all".to_owned()), ..Flags::default() };
        let env = [
            ("RINGCHAT_TIME", "1"),
            ("RINGCHAT_BELL", "off"),
            ("RINGCHAT_PRESENCE", "none"),
            ("RINGCHAT_BACKLOG", "7"),
            ("RINGCHAT_NO_HISTORY", "0"),
            ("RINGCHAT_FULL_SCREEN", "1"),
        ];
        let chosen = TalkSettings {
            times: true,
            bell: Some(BellKind::All),
            presence: Some(PresenceKind::None),
            backlog: Some(7),
            forgets: false,
            full_screen: true,
        };
        assert_eq!(talk(&flags, &env).unwrap(), chosen);
    }

    #[test]
    fn a_value_that_is_none_is_refused_with_those_that_are() {
        for (name, value, wanted) in [
            ("RINGCHAT_BELL", "loud", "off, mentions or all"),
            ("RINGCHAT_PRESENCE", "loud", "all, recent or none"),
            ("RINGCHAT_BACKLOG", "loud", "a number from 0 to 20"),
            ("RINGCHAT_BACKLOG", "21", "a number from 0 to 20"),
        ] {
            let refused = talk(&Flags::default(), &[(name, value)]).unwrap_err().to_string();
            assert!(refused.contains(wanted), "{refused}");
        }
    }
}
