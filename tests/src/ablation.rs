//! Rules that the nodes of a run do without, as a word.

use std::fmt;
use std::str::FromStr;

use ringchat_core::Rule;

/// Rules that nodes do without. As a word: their names with commas between, as `Rule` spells them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Without(pub &'static [Rule]);

impl fmt::Display for Without {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&names(self.0))
    }
}

impl FromStr for Without {
    type Err = UnknownRule;

    /// The rules live as long as the program: it is told them once, when it starts.
    fn from_str(word: &str) -> Result<Self, UnknownRule> {
        let rule = |name: &str| Rule::ALL.into_iter().find(|rule| format!("{rule:?}") == name);
        let rules: Option<Vec<Rule>> = word.split(',').map(rule).collect();
        rules.map(|rules| Self(rules.leak())).ok_or(UnknownRule)
    }
}

/// A word that names no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRule;

impl fmt::Display for UnknownRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rules are {}", names(&Rule::ALL))
    }
}

impl std::error::Error for UnknownRule {}

fn names(rules: &[Rule]) -> String {
    rules.iter().map(|rule| format!("{rule:?}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_known_by_their_names() {
        let word = "Resubmit,Freeze";
        assert_eq!(word.parse(), Ok(Without(&[Rule::Resubmit, Rule::Freeze])));
        assert_eq!(word.parse::<Without>().map(|without| without.to_string()), Ok(word.to_owned()));
        assert_eq!("Resubmit,Nonsense".parse::<Without>(), Err(UnknownRule));
    }
}
