// What is told beside the pictures: a sentence, three numbers, the logs, the list of events, and one event in full.

const ROW = 25;
const CELLS = 8;
const SIGNS = { epoch: "a new epoch,", join: "came:", leave: "left:", chat: "a text," };
const BREAKS = { crash: "crash", power: "power cut", break: "broken link", freeze: "freeze", partition: "partition", cut: "cut", died: "death" };

// Times are told relative to the first fault: in ms, or in s once they are long.
function since(us) {
  const sign = us < 0 ? "−" : "+", far = Math.abs(us);
  return far < 1e6 ? `${sign}${(far / 1000).toFixed(1)} ms` : `${sign}${(far / 1e6).toFixed(far < 1e8 ? 4 : 2)} s`;
}

const span = (us) => since(Math.abs(us)).slice(1);

class Tell {
  constructor(run, picked) {
    this.run = run;
    this.picked = picked;
    this.pair = [];
    this.open = null;
    this.logs = new Map();
    this.pool = new Map();
    this.list = byId("events");
    this.list.addEventListener("scroll", () => { this.scrolled = this.list.scrollTop; this.rows(); }, { passive: true });
    this.list.addEventListener("keydown", (key) => this.listKey(key));
    byId("less").addEventListener("click", () => this.close());
    this.reload();
  }

  reload() {
    const run = this.run;
    put(byId("title"), { text: run.title });
    put(byId("seen"), { text: run.seen_by === null ? "" : `as ${run.name(run.seen_by)} sees it` });
    put(byId("notes"), { text: run.notes.join(" · ") });
    this.listed = [...run.events.keys()].filter((e) => run.events[e].words);
    put(byId("rows"), { "data-size": this.listed.length });
    byId("rows").style.height = `${this.listed.length * ROW}px`;
    for (const row of this.pool.values()) row.remove();
    this.pool.clear();
    this.told = undefined;
    const rows = run.columns.flatMap((column) => column.members.map((m) => `${m} ${run.name(m)}`)).join();
    if (this.logRows !== rows) this.makeLogs();
    this.logRows = rows;
    this.resize();
  }

  resize() {
    this.view = this.list.clientHeight;
    this.scrolled = this.list.scrollTop;
    this.shownAt = null;
  }

  draw(state, e, t, playing) {
    put(byId("tell"), { "aria-live": playing ? "off" : "polite" });
    const shown = this.run.events[e], ends = e === this.run.events.length - 1 && !shown?.words;
    const exact = !playing && e >= 0 && this.run.times[e] === t && shown.class !== "beat" && !ends;
    // While time stands still, the event that the list lights; what a turn is about, while it flies.
    const listed = playing ? undefined : this.listed[lastUpTo(this.listed.length, (i) => this.listed[i], e)];
    this.say(exact && shown.say?.length ? e : this.run.events[listed]?.say?.length ? listed : state.told);
    if (this.shownAt !== e) {
      this.shownAt = e;
      this.drawLogs(state, e);
      this.current(e);
    }
    this.numbers(state, e, t);
  }

  // The sentence of the event that the cursor is on, else of the last one worth telling.
  say(e) {
    if (this.told === e) return;
    this.told = e;
    const event = this.run.events[e];
    touched.writes++;
    byId("say").replaceChildren(...(event?.say ?? [["All is quiet.", ""]]).map(([text, kind]) => (kind ? html("b", { class: kind, text }) : text)));
    put(byId("why"), { text: event ? event.why : "Space plays; the arrow keys go from event to event; ? tells all keys." });
  }

  numbers(state, e, t) {
    const run = this.run, i = lastUpTo(run.elections.length, (k) => run.elections[k].t1, t);
    const election = run.elections[i];
    if (!election) {
      put(byId("count"), { text: "0" });
      put(byId("count-of"), { text: "election messages" });
      put(byId("theory"), { text: "—" });
      put(byId("theory-of"), { text: "no election yet" });
    } else {
      const over = election.t2 !== null && t >= election.t2;
      const sent = over ? election.messages : Math.min(election.messages, lastUpTo(run.electionSends[i].length, (k) => run.electionSends[i][k], e) + 1);
      const { case: kind, n, hops, exact, least, most, mean } = election.theory;
      const extreme = !over || least === most ? "" : sent === most ? ", the most possible" : sent === least ? ", the fewest possible" : "";
      put(byId("count"), { text: String(sent) });
      const seen = run.seen_by === null ? "" : `, seen by ${run.name(run.seen_by)}`;
      put(byId("count-of"), { text: `election messages${seen}${extreme}${over ? `; ${election.announced} announce` : `, epoch ${election.epoch}`}` });
      if (kind === "none") {
        put(byId("theory"), { text: "—" });
        put(byId("theory-of"), { text: run.members.some((member) => member.file === false) ? "no theory: not all messages are seen" : "" });
        this.elapsed(state, e, t);
        return;
      }
      const told = over && exact !== null;
      put(byId("theory"), { text: told ? String(exact) : least === most ? String(most) : `${least} – ${most}` });
      const average = mean ? `mean ${mean}` : "", comma = average && `, ${average}`, range = `${least} to ${most}${comma}`;
      put(byId("theory-of"), { text: kind === "one" ? (told ? `by theory: one starts, n + hops = ${n} + ${hops} (${range})` : `by theory: one starts, n = ${n} (n to 2n − 1${comma})`)
        : kind === "all" ? `by theory: all ${n} start at once (${range})` : `by theory: n = ${n}, not all start at once${average && ` (${average})`}` });
    }
    this.elapsed(state, e, t);
  }

  elapsed(state, e, t) {
    const run = this.run, fault = this.broken(e);
    if (!fault) {
      put(byId("since"), { text: "—" });
      put(byId("since-what"), { text: "no fault yet" });
      return;
    }
    const [from, whole] = this.whole(e) ?? [-1, false], done = whole && from > fault.e, what = BREAKS[fault.kind] ?? "fault";
    put(byId("since"), { text: span((done ? run.times[from] : t) - fault.t) });
    put(byId("since-what"), { text: done ? `from the ${what} to all following, in a closed ring` : `since the ${what}; ${whole ? "all follow still" : "not all follow yet"}` });
  }

  // Since which event the ring is whole, or broken.
  whole(e) { return this.run.settled[lastUpTo(this.run.settled.length, (i) => this.run.settled[i][0], e)]; }

  // The fault that broke the ring: what heals, and what breaks a broken ring, does not count anew.
  broken(e) {
    let first = null;
    for (const fault of this.run.faults) {
      if (fault.e > e) break;
      const [from, whole] = this.whole(fault.e - 1) ?? [-1, false];
      if (fault.kind in BREAKS && (!first || (whole && from > first.e))) first = fault;
    }
    return first ?? this.run.faults.find((fault) => fault.e <= e);
  }

  makeLogs() {
    byId("logs").replaceChildren();
    this.logs.clear();
    const order = this.run.columns.flatMap((column) => column.members);
    for (const m of order) {
      const cells = Array.from({ length: CELLS }, () => html("span", { class: "cell none", "aria-hidden": "true" }));
      const row = html("button", { type: "button", class: "log" }, html("b", { text: this.run.name(m) }), html("span", { class: "cells" }, ...cells));
      row.addEventListener("click", () => this.compare(m));
      this.logs.set(m, { row, cells });
      byId("logs").append(row);
    }
    this.pair = [];
    put(byId("compare"), { text: "" });
  }

  // The entries that a member holds after event `e`, the last ones only unless all are wanted.
  entries(m, e, most = Infinity) {
    const cells = this.run.logs.get(m) ?? [], held = [];
    for (let i = lastUpTo(cells.length, (k) => cells[k].e, e); i >= 0 && held.length < most; i--) {
      if (cells[i].gone === null || cells[i].gone === undefined || cells[i].gone > e) held.unshift(cells[i]);
    }
    return held.sort((a, b) => a.index - b.index);
  }

  drawLogs(state, e) {
    // Cells of one index stand in one column for all members.
    const held = new Map();
    let last = CELLS - 1;
    for (const m of this.logs.keys()) {
      const entries = this.entries(m, e, CELLS);
      held.set(m, entries);
      last = Math.max(last, entries.at(-1)?.index ?? 0);
    }
    for (const [m, { row, cells }] of this.logs) {
      const member = state.members[m] ?? NOBODY, entries = held.get(m), byIndex = new Map(entries.map((cell) => [cell.index, cell]));
      put(row, { class: `log ${member.mode}${this.pair.includes(m) ? " chosen" : ""}`, "aria-pressed": String(this.pair.includes(m)), "aria-label": `log of ${this.run.name(m)}: ${member.mode === "absent" ? "not here yet" : entries.length ? `up to entry ${entries.at(-1).index}` : "empty"}` });
      cells.forEach((cell, i) => this.cell(cell, byIndex.get(last - CELLS + 1 + i), e, member));
    }
    if (this.pair.length === 2) this.compared(e);
  }

  cell(cell, entry, e, member) {
    if (!entry) { put(cell, { class: "cell none", text: "", title: null }); return; }
    const loose = !(entry.stable !== null && entry.stable !== undefined && entry.stable <= e);
    const again = loose && entry.gone !== null && entry.gone !== undefined && ["electing", "waiting"].includes(member.mode);
    const sign = { epoch: "☰", join: "+", leave: "−" }[entry.kind] ?? entry.label;
    put(cell, { class: `cell ${entry.kind}${again ? " again" : loose ? " loose" : ""}`, text: sign, title: `entry ${entry.index}: ${SIGNS[entry.kind] ?? entry.kind} ${entry.label}${loose ? ", not yet stable" : ""}` });
  }

  compare(m) {
    this.pair = this.pair.includes(m) ? this.pair.filter((other) => other !== m) : [...this.pair, m].slice(-2);
    if (this.pair.length < 2) put(byId("compare"), { text: this.pair.length ? `Choose another log to compare with that of ${this.run.name(this.pair[0])}.` : "" });
    this.shownAt = null;
    this.picked.redraw();
  }

  compared(e) {
    const [a, b] = this.pair, [left, right] = [a, b].map((m) => this.entries(m, e));
    const key = (cell) => `${cell.index} ${cell.kind} ${cell.label}`, of = (list) => new Set(list.map(key));
    const [inLeft, inRight] = [of(left), of(right)];
    const only = (list, other) => list.filter((cell) => !other.has(key(cell))).map((cell) => cell.index);
    const parts = [[a, only(left, inRight)], [b, only(right, inLeft)]].filter(([, indexes]) => indexes.length)
      .map(([m, indexes]) => `${this.run.name(m)} alone has ${indexes.length > 6 ? `${indexes.length} entries from ${indexes[0]} on` : `entry ${indexes.join(", ")}`}`);
    put(byId("compare"), { text: parts.length ? `${parts.join("; ")}.` : `${this.run.name(a)} and ${this.run.name(b)}: the same ${left.length} entries.` });
  }

  // Lights the last listed event, and keeps it in view.
  current(e) {
    const at = lastUpTo(this.listed.length, (i) => this.listed[i], e);
    this.at = at;
    const top = Math.max(0, at) * ROW, view = this.view;
    if (view && (top < this.scrolled || top + ROW > this.scrolled + view)) this.list.scrollTop = this.scrolled = Math.max(0, top - view + ROW * 1.5);
    this.rows();
  }

  rows() {
    const first = Math.max(0, Math.floor(this.scrolled / ROW) - 4), last = Math.min(this.listed.length - 1, first + Math.ceil((this.view || 400) / ROW) + 8);
    for (const [i, row] of this.pool) if (i < first || i > last) { row.remove(); this.pool.delete(i); }
    for (let i = first; i <= last; i++) {
      let row = this.pool.get(i);
      if (!row) {
        this.pool.set(i, row = this.row(i));
        byId("rows").append(row);
      }
      put(row, { "aria-selected": String(i === this.at), class: `event ${this.run.events[this.listed[i]].class}${i > this.at ? " later" : ""}` });
    }
    put(this.list, { "aria-activedescendant": this.pool.has(this.at) ? `event-${this.at}` : null });
  }

  row(i) {
    const e = this.listed[i], event = this.run.events[e];
    const row = html("div", { id: `event-${i}`, role: "option", "aria-setsize": this.listed.length, "aria-posinset": i + 1 },
      html("span", { text: since(event.t - this.run.zero).replace(" ms", "").replace(/\d s$/, " s") }), html("i"), html("span", { text: event.words }));
    row.style.transform = `translateY(${i * ROW}px)`;
    row.addEventListener("click", () => this.picked.event(e));
    return row;
  }

  listKey(key) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[key.key];
    if (!step || key.altKey || key.ctrlKey || key.metaKey) return;
    key.preventDefault();
    key.stopPropagation();
    const e = this.listed[Math.max(0, Math.min(this.listed.length - 1, this.at + step))];
    if (e !== undefined) this.picked.go(e);
  }

  close() {
    if (byId("more").hidden) return;
    const inside = byId("more").contains(document.activeElement);
    byId("more").hidden = true;
    this.open = null;
    if (inside) byId("time").focus({ preventScroll: true });
    this.picked.past(null);
  }

  // One event in full: its message, its member before and after, its cause and its effects.
  more(e, focus) {
    const run = this.run, event = run.events[e];
    if (!event) return;
    const [before, after] = [e - 1, run.turnEnd(e)].map((at) => (event.m === null || event.m === undefined ? NOBODY : run.at(at).members[event.m] ?? NOBODY));
    const sentence = html("p", { class: "sentence" }, ...(event.say?.length ? event.say : [[event.words || `${run.name(event.m)}: ${event.k || event.what}`, ""]]).map(([text, kind]) => (kind ? html("b", { class: kind, text }) : text)));
    const parts = [sentence];
    if (event.why) parts.push(html("p", { class: "reason", text: event.why }));
    const facts = [["when", since(event.t - run.zero)], ["kind", event.k], ...(event.fields ?? [])].filter(([, value]) => value);
    parts.push(html("dl", { class: "facts" }, ...facts.map(([name, value]) => html("div", {}, html("dt", { text: name }), html("dd", { text: String(value) })))));
    if (event.m !== null && event.m !== undefined) parts.push(html("h3", { text: `${run.name(event.m)} before and after this turn` }), this.change(before, after));
    const link = (word, to) => {
      const button = html("button", { type: "button", class: "link", text: `${word}: ${since(run.events[to].t - run.zero)} ${run.events[to].words || `${run.name(run.events[to].m)}, ${run.events[to].k || run.events[to].what}`}` });
      button.addEventListener("click", () => this.picked.event(to, true));
      return button;
    };
    const links = [...(run.events[event.cause] ? [link("cause", event.cause)] : []), ...(event.effects ?? []).slice(0, 8).map((to) => link("effect", to))];
    parts.push(html("div", { class: "links" }, ...links));
    parts.push(html("p", { class: "hint", text: "Lit: all that could have influenced this event." }));
    byId("more-body").replaceChildren(...parts);
    byId("more").hidden = false;
    this.open = e;
    if (focus) byId("more").focus();
    this.picked.past(run.past(e));
  }

  change(before, after) {
    const run = this.run, who = (m) => (m === null ? "none" : run.name(m));
    const lines = [["mode", (s) => SPOKEN[s.mode]], ["epoch", (s) => s.epoch], ["promised", (s) => s.promised], ["leader", (s) => who(s.leader)], ["next", (s) => who(s.next)],
      ["previous", (s) => who(s.prev)], ["log", (s) => s.log], ["stable", (s) => s.stable], ["clock", (s) => s.lc ?? "–"]];
    return html("table", {}, html("tbody", {}, ...lines.map(([name, of]) => {
      const [was, is] = [String(of(before)), String(of(after))];
      return html("tr", { class: was === is ? "" : "changed" }, html("th", { scope: "row", text: name }), html("td", { text: was }), html("td", { text: was === is ? "" : `→ ${is}` }));
    })));
  }
}
