//! Rules taken away from the nodes of a run, to see that the oracles notice.
//!
//! The nodes that ship enforce every rule, and so do those of an ordinary build of the tests. Only the feature
//! `ablation` lets a run do without some.

use std::fmt;
use std::str::FromStr;

use ringchat_core::Node;
#[cfg(feature = "ablation")]
use ringchat_core::Rule;
use ringchat_sim::World;

/// The rules that the nodes of a run lack. As a word: the names of the rules with commas between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ablation {
    #[cfg(feature = "ablation")]
    rules: &'static [Rule],
}

#[cfg(feature = "ablation")]
impl Ablation {
    /// The nodes lack `rules`.
    pub const fn of(rules: &'static [Rule]) -> Self {
        Self { rules }
    }

    /// Takes the rules away from a new node.
    pub(crate) fn prepare_node(self, node: &mut Node) {
        node.ablate(self.rules);
    }

    /// Takes the rules away from all nodes that will start in `world`.
    pub(crate) fn prepare_world(self, world: &mut World) {
        world.ablate(self.rules);
    }

    /// Whether decoders take words that their author did not sign.
    pub(crate) fn believes_all(self) -> bool {
        self.rules.contains(&Rule::SignedWords)
    }

    fn names(self) -> String {
        self.rules.iter().map(|rule| format!("{rule:?}")).collect::<Vec<_>>().join(",")
    }
}

/// Without the feature no rule can be taken away.
#[cfg(not(feature = "ablation"))]
#[allow(clippy::unused_self, reason = "the same calls as with the feature")]
impl Ablation {
    pub(crate) fn prepare_node(self, _: &mut Node) {}

    pub(crate) fn prepare_world(self, _: &mut World) {}

    pub(crate) fn believes_all(self) -> bool {
        false
    }

    fn names(self) -> String {
        String::new()
    }
}

impl Ablation {
    /// The nodes enforce every rule.
    pub const NONE: Self = Self {
        #[cfg(feature = "ablation")]
        rules: &[],
    };
}

impl fmt::Display for Ablation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names())
    }
}

impl FromStr for Ablation {
    type Err = AblationError;

    /// The rules live as long as the program, which reads them once, when it starts.
    #[cfg(feature = "ablation")]
    fn from_str(word: &str) -> Result<Self, AblationError> {
        let rule = |name: &str| Rule::ALL.into_iter().find(|rule| format!("{rule:?}") == name);
        let rules: Option<Vec<Rule>> = word.split(',').map(rule).collect();
        rules.map(|rules| Self::of(rules.leak())).ok_or(AblationError::UnknownRule)
    }

    #[cfg(not(feature = "ablation"))]
    fn from_str(_: &str) -> Result<Self, AblationError> {
        Err(AblationError::NotBuilt)
    }
}

/// The reason why rules cannot be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AblationError {
    /// The word names no rule.
    #[cfg(feature = "ablation")]
    UnknownRule,
    /// The program was built without the feature `ablation`.
    #[cfg(not(feature = "ablation"))]
    NotBuilt,
}

impl fmt::Display for AblationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "ablation")]
            Self::UnknownRule => write!(f, "the rules are {}", Ablation::of(&Rule::ALL)),
            #[cfg(not(feature = "ablation"))]
            Self::NotBuilt => f.write_str(
                "this build enforces every rule; \
                 run it with `cargo run --release -p ringchat-tests --features ablation --bin ...`",
            ),
        }
    }
}

impl std::error::Error for AblationError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "ablation")]
    #[test]
    fn rules_are_known_by_their_names() {
        let word = "Resubmit,Freeze";
        assert_eq!(word.parse(), Ok(Ablation::of(&[Rule::Resubmit, Rule::Freeze])));
        assert_eq!(word.parse::<Ablation>().map(|ablation| ablation.to_string()), Ok(word.to_owned()));
        assert_eq!("Resubmit,Nonsense".parse::<Ablation>(), Err(AblationError::UnknownRule));
    }

    #[cfg(not(feature = "ablation"))]
    #[test]
    fn no_rule_can_be_taken_away() {
        assert_eq!("Resubmit".parse::<Ablation>(), Err(AblationError::NotBuilt));
    }
}
