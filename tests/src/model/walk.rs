//! The way from one known state to the next, along the transitions by which they were reached first.

use super::state::State;

/// How a state was reached first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// The number of the state before. The first state has its own.
    pub(super) parent: u32,
    /// The index of the transition among that state's.
    pub(super) step: u16,
}

impl Origin {
    /// The origin of the first state.
    pub(super) const START: Self = Self { parent: 0, step: 0 };
}

/// The states on the way from the first to where the walk is, each with its number.
pub(super) struct Walk<'a> {
    origins: &'a [Origin],
    way: Vec<(u32, State)>,
}

impl<'a> Walk<'a> {
    /// A walk that begins at the first state.
    pub(super) fn new(origins: &'a [Origin], start: &State) -> Self {
        Self { origins, way: vec![(0, start.clone())] }
    }

    /// Goes to a state that is `depth` transitions away from the first: back to where the two ways part, and on from
    /// there.
    pub(super) fn go(&mut self, number: u32, depth: usize) -> &State {
        let (mut ahead, mut at) = (Vec::new(), number);
        while self.way.get(depth - ahead.len()).is_none_or(|(number, _)| *number != at) {
            let Origin { parent, step } = self.origins[at as usize];
            ahead.push((at, step));
            at = parent;
        }
        self.way.truncate(depth - ahead.len() + 1);
        for (number, step) in ahead.into_iter().rev() {
            let next = {
                let before = self.here();
                let step = before.steps().get(usize::from(step)).copied();
                step.and_then(|step| before.after(step))
            };
            assert!(next.is_some(), "a state that was reached once is reached again");
            self.way.extend(next.map(|next| (number, next)));
        }
        self.here()
    }

    fn here(&self) -> &State {
        &self.way[self.way.len() - 1].1
    }
}
