// The run, and what holds at each of its events: a binary search over snapshots, then at most 255 changes.

const SPAN = 256;
const LISTS = ["notes", "members", "columns", "rows", "ticks", "marks", "events", "changes", "flights", "reigns", "elections", "faults", "partitions"];
const NOBODY = { mode: "absent", promised: 0, epoch: 0, leader: null, next: null, prev: null, lc: null, log: 0, stable: 0, ring: null, asks: null, holds: null, turned: -1, gone: -1 };
const WEIGHTS = { dead: 5, freeze: 5, lead: 4, merge: 4, elect: 3, repair: 2, member: 2, catchup: 1 };
const DEAD = new Set(["dead", "left"]);

// The last position whose value is at most `limit`, or -1; `value` grows with the position.
function lastUpTo(length, value, limit) {
  let low = 0, high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(middle) <= limit) low = middle + 1; else high = middle;
  }
  return low - 1;
}

class Run {
  constructor(data) {
    Object.assign(this, { title: "", zero: 0, end: 0, width: 300, height: 100, seen_by: null, ring0: [] });
    for (const name of LISTS) this[name] = [];
    const { logs, ...rest } = data;
    Object.assign(this, rest);
    this.logs = new Map(logs?.map(({ m, cells }) => [m, cells]));
    this.index(0);
  }

  // Voids what was derived from events and flights at and after `event`.
  forget(event) {
    this.times = (this.times ?? []).slice(0, event);
    this.rowOf = (this.rowOf ?? []).slice(0, event);
    this.changed = event && this.changed ? this.changed.slice(0, event) : [];
    this.snapshots = event && this.snapshots ? this.snapshots.slice(0, Math.ceil(event / SPAN)) : [];
    this.settled = event && this.settled ? this.settled.filter(([e]) => e < event) : [];
    this.current = null;
  }

  index(event) {
    this.forget(Math.min(event, this.events.length));
    for (const change of this.changes) if (change.e >= event) (this.changed[change.e] ??= []).push(change);
    this.sent = new Map();
    this.taken = new Map();
    this.flights.forEach((flight, f) => {
      if (flight.s !== null) this.sent.set(flight.s, [...(this.sent.get(flight.s) ?? []), f]);
      if (flight.r !== null) this.taken.set(flight.r, f);
    });
    // Where the arrow of a sending ends: tokens that are stopped, or have no effect, end before a bar.
    this.ends = new Map(this.marks.filter((mark) => mark.kind === "arrow" && ["bar", "drop"].includes(mark.end)).map((mark) => [mark.event, mark.end]));
    let state = event ? this.at(event - 1) : this.start();
    for (let e = event; e < this.events.length; e++) {
      const happened = this.events[e];
      this.times[e] = Math.max(happened.t, this.times[e - 1] ?? 0);
      this.rowOf[e] = Math.max(happened.row ?? 0, this.rowOf[e - 1] ?? 0);
      happened.effects ??= [];
      const cause = this.events[happened.cause];
      if (cause && !cause.effects.includes(e)) cause.effects.push(e);
      if (e % SPAN === 0) this.snapshots.push({ ...state, members: state.members.slice() });
      this.step(state, e);
    }
    const arrived = this.flights.filter((flight) => flight.r !== null && flight.t2 !== null);
    this.lag = Math.max(1000, arrived.reduce((sum, flight) => sum + flight.t2 - flight.t1, 0) / (arrived.length || 1));
    this.airborne();
    this.columnOf = new Map();
    this.columns.forEach((column, c) => column.members.forEach((m) => this.columnOf.set(m, c)));
    this.electionSends = this.elections.map((election) => this.countable(election));
    // The story begins before the first event that is told or drawn; what was before is its starting state.
    const first = this.events.findIndex((happened) => happened.words || (happened.row !== null && happened.row !== undefined));
    this.startE = Math.max(-1, first - 1);
    this.startT = this.times[Math.max(0, this.startE)] ?? 0;
    this.top = (this.rows[0]?.y ?? 40) - 24;
    this.bottom = Math.max(this.rows.at(-1)?.y ?? 1, this.top + 1) + 8;
  }

  // Which flights are under way at each snapshot.
  airborne() {
    const before = this.flights.map((flight) => flight.s ?? this.after(flight.t1));
    this.order = [...before.keys()].sort((a, b) => before[a] - before[b]);
    this.begins = this.order.map((f) => before[f]);
    let next = 0, under = [];
    this.snapshots.forEach((snapshot, k) => {
      while (next < this.order.length && this.begins[next] < k * SPAN) under.push(this.order[next++]);
      under = under.filter((f) => !this.landed(this.flights[f], k * SPAN - 1, this.times[k * SPAN - 1] ?? 0));
      snapshot.flights = under.slice();
    });
  }

  after(t) { return lastUpTo(this.times.length, (e) => this.times[e], t) + 1; }

  landed(flight, e, t) {
    if (flight.r !== null) return flight.r <= e;
    return flight.t2 === null || flight.t2 === undefined ? t - flight.t1 > this.lag : flight.t2 <= t;
  }

  // The flights under way at `t`, after event `e`.
  flying(e, t) {
    const k = Math.max(0, Math.floor(e / SPAN));
    const found = (this.snapshots[k]?.flights ?? []).slice();
    let next = lastUpTo(this.begins.length, (i) => this.begins[i], k * SPAN - 1) + 1;
    for (; next < this.begins.length && this.begins[next] <= e + 1; next++) found.push(this.order[next]);
    return found.filter((f) => {
      const flight = this.flights[f];
      return (flight.s !== null ? flight.s <= e : flight.t1 <= t) && !this.landed(flight, e, t);
    });
  }

  start() {
    const order = this.ring0.slice(), joins = new Set(), seen = new Set();
    for (const { m, mode } of this.changes) {
      if (!seen.has(m) && mode === "joining") joins.add(m);
      seen.add(m);
    }
    return { e: -1, members: this.members.map((_, m) => (order.includes(m) && !joins.has(m) ? { ...NOBODY, mode: "normal" } : NOBODY)), order, told: -1, fault: -1, dead: 0 };
  }

  // Makes `state` that after event `e`; members that change are new objects, so that views see what changed.
  step(state, e) {
    const happened = this.events[e], m = happened.m;
    while (state.members.length < this.members.length) state.members.push(NOBODY);
    if (happened.say?.length && happened.words && !this.outweighs(state.told, happened)) state.told = e;
    if (happened.what === "fault") state.fault = e;
    if (m !== null && m !== undefined && happened.lc) state.members[m] = { ...state.members[m], lc: happened.lc };
    if (happened.k === "Elect" || happened.what === "note") this.hold(state, happened, e);
    for (const change of this.changed[e] ?? []) this.change(state, change);
    for (const f of this.sent.get(e) ?? []) {
      const flight = this.flights[f];
      if (flight.k === "Hello" && flight.from !== null && flight.to !== null && state.members[flight.from].next !== flight.to) {
        state.members[flight.from] = { ...state.members[flight.from], asks: flight.to };
      }
    }
    state.e = e;
    if (this.changed[e]) this.settle(state, e);
  }

  // The token that a member has, from when it stands or takes one that it passes on until it sends it.
  hold(state, { m, what, k }, e) {
    const taken = this.flights[this.taken.get(e)], passes = taken && !this.ends.has(taken.s) && state.members[m].mode !== "leading";
    const holds = what === "recv" && passes ? { ...taken, e } : what === "note" && k === "start" ? { about: m, e } : what === "send" || k === "won" ? null : undefined;
    if (holds !== undefined) state.members[m] = { ...state.members[m], holds };
  }

  // Of all that a member does in one turn, only the weightiest is told while the run plays.
  outweighs(told, happened) {
    const before = this.events[told];
    if (!before || before.t !== happened.t || before.m !== happened.m) return false;
    return (WEIGHTS[before.class] ?? 0) >= (WEIGHTS[happened.class] ?? 0);
  }

  change(state, change) {
    const old = state.members[change.m] ?? NOBODY, now = { ...old };
    for (const name of ["mode", "promised", "epoch", "lc", "log", "stable"]) if (change[name] !== null && change[name] !== undefined) now[name] = change[name];
    // Below zero says that there is none; what is absent stays.
    for (const name of ["leader", "next", "prev"]) if (change[name] !== undefined) now[name] = change[name] < 0 ? null : change[name];
    if (now.next !== old.next && now.next !== null) Object.assign(now, { turned: old.mode === "absent" ? -1 : change.e, asks: null });
    if (now.mode !== "electing" && change.mode) now.holds = null;
    if (DEAD.has(now.mode) && !DEAD.has(old.mode)) Object.assign(now, { gone: change.e, asks: null });
    state.members[change.m] = now;
    if (change.ring?.length) state.order = this.ordered(state, change.ring);
    else if (now.mode !== "absent" && !state.order.includes(change.m)) state.order = this.beside(state.order, change.m, now);
  }

  // A newcomer stands after the member that it asked, or at the end.
  beside(order, m, member) {
    const contact = member.prev ?? member.asks ?? member.next;
    const place = order.indexOf(contact);
    const next = order.slice();
    next.splice(place < 0 ? order.length : place + 1, 0, m);
    return next;
  }

  // The ring as one member has it, and the dead where they stood until the election after the next has begun.
  ordered(state, ring) {
    const old = state.order, stays = (m) => !ring.includes(m) && (state.members[m].mode === "dead" ? !this.longGone(state.members[m].gone) : state.members[m].mode !== "left");
    let order = ring.slice();
    const pivot = old.find((m) => order.includes(m));
    if (pivot !== undefined) order = order.slice(order.indexOf(pivot)).concat(order.slice(0, order.indexOf(pivot)));
    for (let i = 0; i < old.length; i++) {
      if (!stays(old[i])) continue;
      const before = old[(i + old.length - 1) % old.length], place = order.indexOf(before);
      order.splice(i === 0 ? 0 : place + 1, 0, old[i]);
    }
    return order.length === old.length && order.every((m, i) => m === old[i]) ? old : order;
  }

  longGone(event) {
    const t = this.events[event]?.t ?? 0;
    return this.elections.filter((election) => election.t1 >= t).length > 1;
  }

  // Whether all that live follow one leader that lives, in a closed ring; remembers where that changes.
  settle(state, e) {
    const lives = (member) => !["dead", "left", "frozen", "absent", "joining"].includes(member.mode), live = state.members.filter((member, m) => lives(member) && this.members[m].file !== false);
    const leader = live[0]?.leader ?? null;
    const whole = leader !== null && lives(state.members[leader]) && live.every((member) =>
      ["normal", "leading"].includes(member.mode) && member.leader === leader
      && (live.length === 1 || (member.next !== null && lives(state.members[member.next]))));
    if ((this.settled.at(-1)?.[1] ?? null) !== whole) this.settled.push([e, whole]);
  }

  // The state after event `e`, or before all events.
  at(e) {
    let state = this.current;
    if (!state || state.e > e || e - state.e > SPAN) {
      const k = Math.floor(Math.max(e, 0) / SPAN), kept = e < 0 ? null : this.snapshots[k];
      state = kept ? { ...kept, members: kept.members.slice() } : this.start();
    }
    const settled = this.settled;
    this.settled = [];
    while (state.e < e) this.step(state, state.e + 1);
    this.settled = settled;
    this.current = state;
    return state;
  }

  // The last event of the turn of a member that an event belongs to: there a trace tells what has become of the member.
  turnEnd(event) {
    const { m, t } = this.events[event];
    let last = event;
    for (let e = event + 1; this.events[e]?.t === t; e++) {
      if (this.events[e].m !== m) continue;
      if (["recv", "drop"].includes(this.events[e].what)) break;
      last = e;
    }
    return last;
  }

  // The past of an event: for each member the last of its events that could have influenced it.
  past(event) {
    const reach = new Map([[this.events[event].m, event]]);
    for (let e = event; e >= 0; e--) {
      const { m, cause } = this.events[e];
      if (e > (reach.get(m) ?? -1) || cause === null || cause === undefined) continue;
      const sender = this.events[cause].m;
      if (cause > (reach.get(sender) ?? -1)) reach.set(sender, cause);
    }
    return reach;
  }

  // The sendings of the tokens of an election, each as often as it was sent.
  countable(election) {
    const epoch = (e) => this.events[e]?.fields?.find(([name]) => name === "epoch")?.[1] ?? String(election.epoch);
    return this.flights.filter((flight) => flight.class === "elect" && flight.s >= election.first && flight.s !== null && epoch(flight.s) === String(election.epoch))
      .map((flight) => flight.s).sort((a, b) => a - b);
  }

  rank(m) { return this.members[m]?.rank ? `rank ${this.members[m].rank}` : ""; }
  name(m) { return m === null || m === undefined ? "nobody" : this.members[m]?.name ?? "?"; }

  // Where in the diagram the moment `t` after event `e` is.
  y(e, t) {
    const row = this.rowOf[e] ?? 0, here = this.rows[row], next = this.rows[row + 1];
    if (!here) return this.top;
    if (t < here.t) {
      const start = Math.min(this.startT, here.t - 1);
      return this.top + (here.y - this.top) * Math.max(0, (t - start) / (here.t - start));
    }
    const from = Math.max(here.t, Math.min(t, this.times[e]));
    if (!next) return here.y + Math.min(8, (t - here.t) / 1000);
    const span = next.t - here.t;
    return here.y + (span > 0 ? Math.max(0, Math.min(1, (Math.max(t, from) - here.t) / span)) * (next.y - here.y) : 0);
  }

  // The moment at a height of the diagram: the inverse.
  moment(y) {
    const row = lastUpTo(this.rows.length, (i) => this.rows[i].y, y);
    if (row < 0) {
      const first = this.rows[0], start = this.startT;
      if (!first) return { e: -1, t: start };
      const t = Math.round(start + (first.t - start) * Math.max(0, (y - this.top) / (first.y - this.top)));
      return { e: lastUpTo(this.times.length, (e) => this.times[e], t - 1), t };
    }
    const here = this.rows[row], next = this.rows[row + 1];
    const t = next ? here.t + Math.floor((next.t - here.t) * (y - here.y) / (next.y - here.y)) : Math.min(this.end, here.t + Math.round((y - here.y) * 1000));
    const ofRow = lastUpTo(this.rowOf.length, (e) => this.rowOf[e], row);
    const ofTime = lastUpTo(this.times.length, (e) => this.times[e], t);
    return { e: Math.min(ofRow, Math.max(ofTime, this.firstOf(row))), t: Math.max(t, here.t) };
  }

  firstOf(row) { return lastUpTo(this.rowOf.length, (e) => this.rowOf[e], row - 1) + 1; }
}
