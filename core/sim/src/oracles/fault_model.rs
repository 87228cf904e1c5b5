//! What may happen in a run.

/// What may happen in a run. Some properties hold only while no live member is taken for dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultModel {
    /// Processes crash, lose power and restart, and connections break. Nothing is frozen or cut, and no live member is
    /// suspected.
    CrashOnly,
    /// As above, and one member at a time stops for a while, while all others are well. The room may go on without that
    /// member, which then comes back.
    OneSleeps,
    /// Anything, but all members keep to the protocol.
    Any,
    /// Anything, and a member lies. Nobody shows words that their author did not sign; more is promised only when that
    /// member is gone.
    Lies,
}

impl FaultModel {
    /// Whether the properties hold that need that no live member is taken for dead.
    pub fn is_strict(self) -> bool {
        !matches!(self, Self::Any | Self::Lies)
    }

    /// Whether a member lies.
    pub fn has_liar(self) -> bool {
        self == Self::Lies
    }
}
