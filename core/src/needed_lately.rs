//! How much of a buffer is worth keeping.

/// How many bytes of a buffer have been needed lately.
///
/// Long frames come with short ones between them. So each use of the buffer makes only an eighth be forgotten.
#[derive(Clone, Debug, Default)]
pub struct NeededLately(usize);

impl NeededLately {
    /// Takes note of a use that needed so many bytes. Tells how many have been needed lately.
    pub fn after(&mut self, bytes: usize) -> usize {
        self.0 = bytes.max(self.0.saturating_sub(self.0 / 8));
        self.0
    }
}
