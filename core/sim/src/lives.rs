//! The traces of a simulated room: what its nodes told, and the faults that struck them.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ringchat_core::trace::Traced;
use ringchat_core::{Action, Instant, NodeId, Stamp};
use ringchat_trace::{LifeLines, Scribe, Step, TraceRecord};

use crate::World;
use crate::network::HostId;
use crate::world::WorldDeed;

/// The lines of all lives in a world whose nodes are traced, in the order in which the lives began.
pub(crate) fn life_lines(world: &World) -> Vec<LifeLines> {
    let mut book = Book::default();
    let mut deeds = world.deeds().iter().peekable();
    for (n, step) in world.steps().iter().enumerate() {
        while let Some(deed) = deeds.next_if(|deed| deed.after <= n) {
            book.deed(deed);
        }
        book.step(step.host, step.at, &step.action);
    }
    deeds.for_each(|deed| book.deed(deed));
    book.lives
}

/// The lines so far.
#[derive(Default)]
struct Book {
    lives: Vec<LifeLines>,
    writers: BTreeMap<HostId, Writer>,
}

/// Writes down what a process tells.
struct Writer {
    scribe: Scribe,
    /// The life that is being told.
    life: usize,
    id: NodeId,
    lamport: Stamp,
}

impl Book {
    fn step(&mut self, host: HostId, at: Instant, action: &Action) {
        let (lamport, step) = match action {
            Action::Trace { lamport, traced } => match &**traced {
                Traced::Life { me, detect } => {
                    let step = Step::Life { me: me.clone(), detect: *detect, wall: at.0 };
                    let id = me.id;
                    let scribe = Scribe::new(true, true);
                    self.writers
                        .insert(host, Writer { scribe, life: self.lives.len(), id, lamport: *lamport });
                    (*lamport, step)
                }
                other => (*lamport, Step::Traced(other.clone().into())),
            },
            Action::Notify { lamport, notice } => match Step::of_notice(notice, true) {
                Some(step) => (*lamport, step),
                None => return,
            },
            _ => return,
        };
        self.write(host, at, lamport, &step);
    }

    fn write(&mut self, host: HostId, at: Instant, lamport: Stamp, step: &Step) {
        let Some(writer) = self.writers.get_mut(&host) else { return };
        writer.lamport = lamport;
        let mut records = Vec::new();
        writer.scribe.tell(at, lamport, step, &mut records);
        for record in records {
            match record {
                TraceRecord::Header(header) => self.lives.push(LifeLines { header, lines: Vec::new() }),
                TraceRecord::Line(line) => {
                    if let Some(life) = self.lives.get_mut(writer.life) {
                        life.lines.push(line);
                    }
                }
            }
        }
    }

    /// A fault stands in the trace of the process that it struck, or in the first.
    fn deed(&mut self, deed: &WorldDeed) {
        let id = |host: &HostId| self.writers.get(host).map(|writer| writer.id);
        let whom = deed.host.as_ref().and_then(id);
        let sides = deed.sides.iter().map(|side| side.iter().filter_map(id).collect()).collect();
        let Some(host) = deed.host.or_else(|| self.writers.keys().next().copied()) else { return };
        let lamport = self.writers.get(&host).map_or(Stamp::default(), |writer| writer.lamport);
        self.write(host, deed.at, lamport, &Step::Fault { kind: deed.kind, whom, sides });
    }
}
