// Time: the cursor, playing, keys, the address, and the parts of the page brought together.

const SPEEDS = [0.001, 0.002, 1 / 300, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];
const BY_EVENTS_MS = 450;
const LINGER_MS = 900;
// A quiet time longer than this, as it is played, is shortened to this.
const QUIET_MS = 900;
const LOUD = new Set(["elect", "lead", "repair", "member", "catchup", "merge"]);

class Player {
  constructor(run) {
    this.run = run;
    this.m = null;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.byEvents = this.still.matches;
    const picked = {
      get m() { return player.m; }, event: (e, focus) => { this.go(e); this.tell.more(e, focus); }, go: (e) => this.go(e), member: (m, node) => this.show(m, node),
      moment: ({ e, t }) => this.seek(e, t), past: (past) => this.diagram.lightAll(past), redraw: () => this.draw(),
    };
    const player = this;
    this.ring = new Ring(run, picked);
    this.diagram = new Diagram(run, picked);
    this.tell = new Tell(run, picked);
    this.speed = this.usual();
    this.steps = this.steppable();
    this.listen();
    this.buttons();
    this.track();
    this.open();
  }

  steppable() {
    const steps = [...this.run.events.keys()].filter((e) => {
      const event = this.run.events[e];
      return event.class !== "beat" && (event.words || (event.row !== null && event.row !== undefined));
    });
    return steps.length ? steps : [...this.run.events.keys()];
  }

  // The speed at which the first election after a moment takes about twelve seconds.
  usual(from = 0) {
    const election = this.run.elections.find((one) => one.t1 >= from && one.t2 !== null && one.t2 > one.t1);
    if (!election) return 5;
    const wanted = Math.max((election.t2 - election.t1) / 12e6, SPEEDS[1]);
    const off = (speed) => Math.abs(Math.log(speed / wanted));
    return SPEEDS.reduce((best, speed, i) => (off(speed) < off(SPEEDS[best]) ? i : best), 0);
  }

  open() {
    const asked = new URLSearchParams(location.hash.slice(1)), run = this.run;
    if (["dark", "light"].includes(asked.get("theme"))) document.documentElement.dataset.theme = asked.get("theme");
    const m = run.members.findLastIndex((member) => member.name === asked.get("m"));
    this.m = m < 0 ? null : m;
    const e = Number.parseInt(asked.get("e") ?? "", 10), t = Math.round(Number.parseFloat(asked.get("t") ?? "") * 1e6);
    const begin = run.faults.find(({ kind }) => kind in BREAKS)?.e ?? (this.steps[0] ?? 0) - 1;
    if (run.events[e] && (!Number.isFinite(t) || run.times[e] === t)) this.seek(e, run.times[e]);
    else if (Number.isFinite(t)) this.seek(this.before(t), t);
    else this.seek(begin, run.times[begin] ?? 0);
    if (asked.has("more") && this.e >= 0) this.tell.more(this.e, false);
    this.draw();
  }

  before(t) { return lastUpTo(this.run.times.length, (e) => this.run.times[e], t); }

  seek(e, t) {
    this.e = Math.max(this.run.startE, Math.min(e, this.run.events.length - 1));
    this.t = Math.max(this.run.startT, this.run.times[Math.max(0, this.e)] ?? 0, Math.min(t, Math.max(this.run.end, this.run.times.at(-1) ?? 0)));
    this.diagram.free = false;
    this.draw();
    this.remember();
  }

  go(e) {
    this.pause();
    this.seek(e, e < 0 ? 0 : this.run.times[e]);
    if (this.tell.open !== null) this.tell.more(this.e, false);
  }

  // The next event in a direction that `wanted` accepts; without one the cursor stays.
  step(by, wanted = () => true) {
    let i = by > 0 ? lastUpTo(this.steps.length, (k) => this.steps[k], this.e) + 1 : lastUpTo(this.steps.length, (k) => this.steps[k], this.e - 1);
    // From between two events, back goes to the one that happened last.
    if (by < 0 && this.t > this.run.times[this.e] && wanted(this.e)) i = lastUpTo(this.steps.length, (k) => this.steps[k], this.e);
    while (i >= 0 && i < this.steps.length && !wanted(this.steps[i])) i += by;
    if (i >= 0 && i < this.steps.length) this.go(this.steps[i]);
    else this.pause();
    return i < this.steps.length;
  }

  turn(by) {
    const here = this.run.events[this.e];
    const other = (e) => { const event = this.run.events[e]; return !here || event.m !== here.m || event.t !== here.t; };
    this.step(by, other);
    if (by > 0) return;
    // Back: to the first event of that turn.
    for (let i = this.steps.indexOf(this.e); i > 0; i--) {
      const [a, b] = [this.run.events[this.steps[i - 1]], this.run.events[this.steps[i]]];
      if (a.m !== b.m || a.t !== b.t) { this.go(this.steps[i]); break; }
    }
  }

  same(by) {
    const m = this.m ?? this.run.events[this.e]?.m;
    this.step(by, (e) => this.run.events[e].m === m);
  }

  election(by) {
    const firsts = this.run.elections.map((election) => election.first);
    const e = by > 0 ? firsts.find((first) => first > this.e) : firsts.findLast((first) => first < this.e);
    if (e !== undefined) this.go(e);
  }

  choose(m) {
    this.m = this.m === m || m === undefined ? null : m;
    this.draw();
    this.remember();
    this.speak(this.m === null ? "no member chosen" : `${this.run.name(m)} chosen`);
  }

  // A click on a member chooses it, and tells the last that happened to it.
  show(m) {
    this.choose(m);
    let e = this.e;
    while (e > 0 && this.run.events[e].m !== m) e--;
    if (this.m === m && this.run.events[e]?.m === m) this.tell.more(e, false); else this.tell.close();
  }

  speak(text) { put(byId("said"), { text }); }

  toggle() { if (this.playing) this.pause(); else this.start(); }

  start() {
    if (!this.alive && this.e >= this.run.events.length - 1 && this.t >= this.run.end) this.seek(-1, 0);
    this.tell.close();
    this.playing = true;
    this.diagram.free = false;
    this.last = this.next = null;
    this.draw();
    requestAnimationFrame((now) => this.frame(now));
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.draw();
    this.remember();
  }

  frame(now) {
    if (!this.playing) return;
    const passed = Math.min(100, now - (this.last ?? now));
    this.last = now;
    if (this.byEvents) this.tick(now, passed); else this.flow(passed);
    if (this.playing) requestAnimationFrame((later) => this.frame(later));
  }

  tick(now, passed) {
    if (this.next !== null && now < this.next) return;
    const e = this.steps.find((step) => step > this.e);
    if (e === undefined) { this.flow(passed); return; }
    this.next = now + BY_EVENTS_MS;
    this.seek(e, this.run.times[e]);
  }

  flow(passed) {
    const t = Math.min(this.run.end, this.t + Math.max(1, passed * 1000 * this.rate()));
    this.e = this.before(t);
    this.t = t;
    this.draw();
    this.remember();
    // The end of a run that grows is no end.
    if (t >= this.run.end && !this.alive) this.pause();
  }

  // The speed now: quiet times go by faster.
  rate() {
    const speed = SPEEDS[this.speed], run = this.run, row = run.rowOf[this.e] ?? -1;
    const from = run.rows[row]?.t ?? run.times[0] ?? 0, to = run.rows[row + 1]?.t ?? run.end;
    const shown = (to - from) / 1000 / speed;
    if (shown <= QUIET_MS || run.flying(this.e, this.t).some((f) => LOUD.has(run.flights[f].class))) return speed;
    const quick = (to - from) / 1000 / QUIET_MS;
    return this.alive ? Math.max(speed, Math.min(1, quick)) : quick;
  }

  draw() {
    if (this.t === undefined) return;
    const run = this.run, state = run.at(this.e), still = this.still.matches;
    const moving = this.ring.draw(state, this.e, this.t, LINGER_MS * 1000 * SPEEDS[this.speed], still);
    this.diagram.draw(state, this.e, this.t, this.playing && !this.byEvents);
    this.tell.draw(state, this.e, this.t, this.playing);
    this.clock(state);
    if (moving && !this.easing) {
      this.easing = true;
      requestAnimationFrame(() => { this.easing = false; this.draw(); });
    }
  }

  clock(state) {
    const run = this.run, slider = byId("slider"), y = Math.round(run.y(this.e, this.t) - run.top);
    put(byId("now"), { text: since(this.t - run.zero) });
    put(byId("at"), { text: `t = ${(this.t / 1e6).toFixed(4)} s` });
    if (slider.value !== String(y)) slider.value = y;
    const event = run.events[state.told];
    if (!this.playing) put(slider, { "aria-valuetext": `${since(this.t - run.zero)}, ${event?.words || event?.say?.map(([text]) => text).join("") || "start"}` });
    put(byId("play"), { "aria-label": this.playing ? "pause" : "play" });
    put(byId("play-icon"), { d: this.playing ? "M6 5H8V15H6ZM12 5H14V15H12Z" : "M6 4L16 10L6 16Z" });
    put(byId("speed"), { text: SPEEDS[this.speed] === 1 ? "1 ×" : `1/${Math.round(1 / SPEEDS[this.speed])} ×` });
    put(byId("by-events"), { "aria-pressed": String(this.byEvents) });
    put(byId("follow"), { "aria-pressed": String(this.diagram.follow) });
  }

  // The reigns behind the slider, in the heights of the diagram: there quiet times are short.
  track() {
    const run = this.run, root = byId("reigns"), width = byId("track").clientWidth || 600, slider = byId("slider");
    slider.max = String(Math.max(1, Math.round(run.bottom - run.top)));
    const x = (y) => round(10 + ((width - 20) * Math.max(0, y - run.top)) / (run.bottom - run.top)), at = (t) => x(run.y(this.before(t), t));
    put(root, { viewBox: `0 0 ${width} 64`, width, height: 64 });
    const clip = svg("clipPath", { id: "rail" }, svg("rect", { x: 4, y: 26, width: width - 8, height: 12, rx: 6 }));
    const rail = svg("g", { "clip-path": "url(#rail)" }, svg("rect", { class: "rail", x: 4, y: 26, width: width - 8, height: 12 }));
    root.replaceChildren(clip, rail);
    const spans = run.reigns.filter((reign) => (reign.t2 ?? run.end) > run.startT).map((reign) => ({ ...reign, from: at(reign.t1), to: at(reign.t2 ?? run.end) })).filter(({ from, to }) => to > from);
    for (const { kind, from, to } of spans) {
      const [left, right] = [from <= 10 ? 4 : from, to >= width - 10.5 ? width - 4 : to];
      rail.append(svg("rect", { class: `reign ${kind}`, x: left, y: 26, width: round(right - left), height: 12 }));
    }
    this.names(root, spans, width);
    const ticks = new Map();
    for (const flight of run.flights) {
      if (flight.class === "beat" || flight.t1 < run.startT) continue;
      const place = Math.round(at(flight.t1));
      if (!ticks.has(place) || flight.class === "elect") ticks.set(place, flight.class);
    }
    for (const kind of new Set(ticks.values())) {
      root.append(svg("path", { class: `tick ${kind}`, d: [...ticks].filter(([, other]) => other === kind).map(([place]) => `M${place} 15V22`).join("") }));
    }
    for (const fault of run.faults) {
      const place = at(fault.t), death = run.changed[fault.e]?.some((change) => change.mode === "dead");
      root.append(svg("path", { class: death ? "cross" : "fault", d: death ? `M${place - 6} 26l12 12m0 -12l-12 12` : `M${place} 22V42` }, svg("title", { text: fault.words })));
    }
  }

  // Names of reigns stand where there is room: elections first.
  names(root, spans, width) {
    const taken = [];
    for (const wanted of ["election", "leader", "none"]) {
      for (const { kind, m, from, to } of spans.filter((span) => span.kind === wanted)) {
        const label = kind === "leader" ? `${this.run.name(m)} leads` : kind === "election" ? "election" : "no leader", wide = widthOf(label, 11) + 6;
        // A name that would run into one before stands right of it, if it still begins below its own part.
        let x = from;
        for (const [a, b] of taken) if (x < b && x + wide > a) x = b;
        if (x + wide > width || x > Math.max(from, to - 16)) continue;
        taken.push([x, x + wide]);
        taken.sort(([a], [b]) => a - b);
        root.append(svg("text", { class: `reign ${kind}`, x: round(x + 2), y: 55, text: label }));
      }
    }
  }

  // Keeps the moment in the address; browsers refuse to be told of each frame.
  remember() {
    if (this.telling) return;
    this.telling = setTimeout(() => { this.telling = null; this.tellAddress(); }, this.playing ? 500 : 80);
  }

  address() {
    const asked = new URLSearchParams(location.hash.slice(1)), exact = this.e >= 0 && this.run.times[this.e] === this.t;
    asked.set("t", (this.t / 1e6).toFixed(6).replace(/0{1,4}$/, ""));
    for (const [name, value] of [["e", exact ? String(this.e) : null], ["m", this.m === null ? null : this.run.name(this.m)]]) {
      if (value === null) asked.delete(name); else asked.set(name, value);
    }
    return `#${asked}`;
  }

  tellAddress() {
    const address = this.address();
    if (address !== location.hash) history.replaceState(null, "", address);
  }

  theme() {
    const root = document.documentElement.dataset, dark = root.theme ? root.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.theme = dark ? "light" : "dark";
    const asked = new URLSearchParams(location.hash.slice(1));
    asked.set("theme", root.theme);
    history.replaceState(null, "", `#${asked}`);
    this.speak(`${root.theme} colours`);
  }

  faster(by) {
    this.speed = Math.max(0, Math.min(SPEEDS.length - 1, this.speed + by));
    this.draw();
    this.speak(`speed ${byId("speed").textContent}`);
  }

  save() {
    this.give("ringchat.svg", this.diagram.file(), "image/svg+xml");
    this.speak("saved ringchat.svg");
  }

  give(download, content, type) {
    const link = html("a", { download });
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  copy() {
    this.tellAddress();
    const done = () => this.speak("link copied"), failed = () => this.speak("the link stands in the address bar");
    if (navigator.clipboard) navigator.clipboard.writeText(location.href).then(done, failed); else failed();
  }

  buttons() {
    const on = (id, deed) => byId(id).addEventListener("click", deed);
    on("play", () => this.toggle());
    on("first", () => this.go(-1));
    on("last", () => { this.pause(); this.seek(this.run.events.length - 1, this.run.end); });
    on("back", () => this.step(-1));
    on("on", () => this.step(1));
    on("slower", () => this.faster(-1));
    on("faster", () => this.faster(1));
    on("by-events", () => { this.byEvents = !this.byEvents; this.next = null; this.draw(); });
    on("follow", () => this.followed());
    on("theme", () => this.theme());
    on("svg", () => this.save());
    on("link", () => this.copy());
    on("help", () => byId("keys").showModal());
    byId("slider").addEventListener("input", (input) => {
      this.pause();
      const { e, t } = this.run.moment(this.run.top + Number(input.target.value));
      this.seek(e, t);
    });
    const tabs = ["ring", "time", "logs"].map((name) => byId(`tab-${name}`));
    tabs.forEach((tab, i) => {
      tab.addEventListener("click", () => this.tab(tabs, i));
      tab.addEventListener("keydown", (key) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[key.key];
        if (!by) return;
        key.preventDefault();
        key.stopPropagation();
        const to = (i + by + tabs.length) % tabs.length;
        this.tab(tabs, to);
        tabs[to].focus();
      });
    });
    this.tab(tabs, 0);
  }

  // On a phone one view at a time is seen.
  tab(tabs, chosen) {
    tabs.forEach((tab, i) => put(tab, { "aria-selected": String(i === chosen), tabindex: i === chosen ? 0 : -1 }));
    document.body.dataset.tab = ["ring", "time", "logs"][chosen];
    this.diagram.resize();
    this.tell.resize();
    this.draw();
  }

  followed() {
    this.diagram.follow = !this.diagram.follow;
    this.diagram.free = false;
    this.draw();
    this.speak(this.diagram.follow ? "the diagram follows time" : "the diagram stays");
  }

  listen() {
    addEventListener("keydown", (key) => this.key(key));
    // What was clicked does not keep the focus, so that space plays; by keyboard `detail` is zero.
    addEventListener("click", ({ detail }) => {
      const at = document.activeElement;
      if (detail && at.matches("button, [role=button], [type=range]") && !at.closest("dialog, [popover]")) at.blur();
    }, true);
    addEventListener("resize", () => { this.diagram.resize(); this.track(); this.tell.resize(); this.draw(); });
    addEventListener("hashchange", () => this.open());
    addEventListener("beforeprint", () => this.diagram.print(true));
    addEventListener("afterprint", () => this.diagram.print(false));
    this.still.addEventListener("change", () => { this.byEvents = this.still.matches; this.draw(); });
  }

  key(key) {
    if (key.altKey || key.ctrlKey || key.metaKey || document.querySelector("dialog[open], :popover-open")) return;
    const at = key.target, pressed = at instanceof Element && at.matches("button, [role=button]");
    // A button that was reached by keyboard takes space and Enter for itself.
    if (pressed && [" ", "Enter"].includes(key.key)) return;
    const deed = this.deed(key);
    if (!deed) return;
    key.preventDefault();
    deed();
  }

  deed({ key, shiftKey }) {
    if (/^[1-9]$/.test(key)) return () => this.choose(this.run.columns[Number(key) - 1]?.members.at(-1));
    return {
      " ": () => this.toggle(), ".": () => this.toggle(),
      ArrowLeft: () => (shiftKey ? this.turn(-1) : this.step(-1)), ArrowRight: () => (shiftKey ? this.turn(1) : this.step(1)),
      ArrowUp: () => this.same(-1), ArrowDown: () => this.same(1),
      "[": () => this.election(-1), "]": () => this.election(1),
      Home: () => this.go(-1), End: () => byId("last").click(),
      "+": () => this.faster(1), "=": () => this.faster(1), "-": () => this.faster(-1), e: () => byId("by-events").click(),
      f: () => this.followed(), d: () => this.theme(), "?": () => byId("keys").showModal(),
      Enter: () => { if (this.e >= 0) this.tell.more(this.e, true); }, Escape: () => this.tell.close(), ...this.keys,
    }[key];
  }
}

const run = new Run(JSON.parse(byId("run").textContent));
const player = new Player(run);
// For tests.
window.ringchat = { run, player, touched };
