// What can be done to the simulated room: by a click on a member or an arrow, a line across the ring, or by the menu.

const TAUGHT = { leader: "the leader", next: "the one after the leader", prev: "the one before the leader", opposite: "the one opposite the leader", all: "all members" };
const KEYWORDS = Object.keys(TAUGHT);
// Which deeds a member in a mode can take; all others those of a member that lives.
const POSSIBLE = { dead: ["restart", "tell"], left: ["restart", "tell"], frozen: ["thaw", "crash", "power-off", "restart", "cut", "cut-both", "split", "tell"] };
const NEAR = 16;

// Moves the focus among elements by two keys.
function go(key, among, back, on) {
  const all = [...among], at = all.indexOf(document.activeElement), by = at < 0 ? 0 : { [back]: -1, [on]: 1 }[key.key];
  if (!by) return;
  key.preventDefault();
  key.stopPropagation();
  all[(at + by + all.length) % all.length].focus();
}

class Deeds {
  constructor(lab) {
    this.lab = lab;
    this.menu = byId("deeds");
    byId("ring-card").append(byId("doing"));
    byId("h-ring").after(byId("knobs"));
    for (const id of ["doing", "knobs"]) byId(id).hidden = false;
    const on = (id, deed) => byId(id).addEventListener("click", deed);
    on("do", () => this.open(this.keyword("leader") < 0 ? this.alive()[0] : "leader", null, byId("ring-card")));
    on("split", () => this.openLink(null, byId("ring-card")));
    on("join", () => this.act("join", this.target(player.m) ?? "leader"));
    on("heal", () => lab.act(["heal"]));
    on("undo", () => lab.undo());
    byId("whom").addEventListener("change", () => this.fill());
    byId("other").addEventListener("change", () => this.fill());
    this.menu.addEventListener("click", ({ target }) => {
      const deed = target.closest("[data-deed]")?.dataset.deed;
      if (deed) this.act(deed, byId("whom").value, byId("other").value);
    });
    byId("say-form").addEventListener("submit", (submit) => {
      submit.preventDefault();
      this.act("say", byId("whom").value);
    });
    this.menu.addEventListener("keydown", (key) => {
      key.stopPropagation();
      go(key, this.menu.querySelectorAll("button:enabled"), "ArrowUp", "ArrowDown");
    });
    this.show = player.show.bind(player);
    player.show = (m, node) => (node ? this.open(m, null, node) : this.show(m));
    this.pointer();
    this.invite = svg("g", { class: "invite" }, ...["Click a member or an arrow", "to break something there.", "Drag a line across to split the ring."].map((text, i) => svg("text", { x: 250, y: 202 + 19 * i, text })));
    byId("ring").append(this.invite);
  }

  // The members of the ring that live, in its order.
  alive() {
    const state = run.at(player.e);
    return state.order.filter((m) => !DEAD.has(state.members[m].mode));
  }

  // How a script names a member.
  target(m) { return m === null || m === undefined ? null : this.lab.target(run.name(m)); }

  member(value) { return KEYWORDS.includes(value) ? this.keyword(value) : run.members.findLastIndex((_, m) => this.target(m) === value); }

  // Who that is now; -1 if nobody or many are.
  keyword(word) {
    const state = run.at(player.e), leader = player.ring.leader(state), order = this.alive(), i = order.indexOf(leader), n = order.length;
    return i < 0 || word === "all" ? -1 : order[(i + { leader: 0, next: 1, prev: n - 1, opposite: n >> 1 }[word]) % n];
  }

  // Opens the menu for a member or a word that stands for one.
  open(who, other, at) {
    player.pause();
    const order = run.at(player.e).order;
    const option = (value, text) => html("option", { value, text });
    const members = order.map((m) => option(this.target(m), run.name(m)));
    const words = KEYWORDS.flatMap((word) => { const m = this.keyword(word); return m < 0 && word !== "all" ? [] : option(word, m < 0 ? TAUGHT[word] : `${TAUGHT[word]} (${run.name(m)})`); });
    byId("whom").replaceChildren(html("optgroup", { label: "whoever it is then" }, ...words), html("optgroup", { label: "members" }, ...members));
    byId("other").replaceChildren(...order.map((m) => option(this.target(m), run.name(m))));
    byId("whom").value = typeof who === "number" ? this.target(who) : who;
    const from = this.member(byId("whom").value), alive = this.alive();
    byId("other").value = this.target(other ?? alive[(alive.indexOf(from) + 1) % alive.length]) ?? "";
    this.menu.dataset.part = other === null ? "member" : "link";
    this.fill();
    this.menu.showPopover();
    this.place(at);
    (other === null ? byId("to-member") : byId("to-link")).querySelector("button:enabled")?.focus();
  }

  openLink(m, at) {
    const alive = this.alive(), i = Math.max(0, alive.indexOf(m ?? this.keyword("leader")));
    if (alive.length) this.open(alive[i], alive[(i + 1) % alive.length], at);
  }

  // Beside what was clicked, inside the window.
  place(at) {
    const box = at instanceof Element ? at.getBoundingClientRect() : { left: at.x, right: at.x, top: at.y, bottom: at.y };
    const { offsetWidth: width, offsetHeight: height } = this.menu;
    const left = box.right + 10 + width < innerWidth ? box.right + 10 : Math.max(8, box.left - width - 10);
    this.menu.style.left = `${left}px`;
    this.menu.style.top = `${Math.max(8, Math.min(innerHeight - height - 8, (box.top + box.bottom - height) / 2))}px`;
  }

  // Shows what can be done to the chosen ones.
  fill() {
    const [whom, other] = [byId("whom").value, byId("other").value], m = this.member(whom), mode = m < 0 ? "" : run.at(player.e).members[m].mode;
    const possible = POSSIBLE[mode];
    for (const button of this.menu.querySelectorAll("[data-deed]")) {
      const { deed } = button.dataset, pair = m >= 0 && whom !== other && this.member(other) !== m;
      button.disabled = (possible && deed !== "heal" && !possible.includes(deed)) || (deed === "thaw" && !["frozen", ""].includes(mode))
        || (["cut", "cut-both"].includes(deed) && !pair) || (["tell", "split", "join"].includes(deed) && m < 0);
    }
    byId("say-form").lastElementChild.disabled = Boolean(possible);
    const off = m < 0 ? [] : this.arc(m, this.member(other)), say = (deed, text) => { this.menu.querySelector(`[data-deed=${deed}] span`).textContent = text; };
    say("cut", m < 0 ? "" : `${run.name(this.member(other))} hears nothing of ${run.name(m)}`);
    say("split", off.length ? off.map((one) => run.name(one)).join(", ") : "");
  }

  // The members from one to another, clockwise.
  arc(from, to) {
    const alive = this.alive(), i = alive.indexOf(from), j = alive.indexOf(to);
    if (i < 0 || j < 0) return [];
    const arc = Array.from({ length: ((j - i + alive.length) % alive.length) + 1 }, (_, k) => alive[(i + k) % alive.length]);
    return arc.length < alive.length ? arc : arc.slice(0, -1);
  }

  // Deeds as lines of a script.
  act(deed, whom, other) {
    if (this.menu.matches(":popover-open")) this.menu.hidePopover();
    const m = this.member(whom), contact = () => (whom === "leader" || this.keyword("leader") === m ? this.target(this.alive().find((one) => one !== m)) : "leader");
    if (deed === "tell") { this.show(m); return; }
    const lines = {
      say: () => [`say ${whom} ${byId("say-text").value.trim() || "hello"}`], heal: () => ["heal"],
      restart: () => [`restart ${whom} via ${contact()}`], join: () => [`join ${this.lab.freePlace()} via ${whom}`],
      cut: () => [`cut ${whom} ${other}`], "cut-both": () => [`cut ${whom} ${other}`, `cut ${other} ${whom}`],
      split: () => [`partition ${this.arc(m, this.member(other)).map((one) => this.target(one)).join(" ")}`],
    }[deed]?.() ?? [`${deed} ${whom}`];
    this.lab.act(lines);
  }

  // Arrows of the ring are thin, so what counts is how near they are; a line that is drawn across the ring splits it.
  pointer() {
    const root = byId("ring");
    let from = null, line = null;
    const end = () => { from = null; line?.remove(); line = null; };
    root.addEventListener("pointermove", (move) => {
      const at = this.at(move);
      if (from && Math.hypot(at[0] - from[0], at[1] - from[1]) > 24 && !line) {
        line = svg("path", { class: "knife" });
        root.append(line);
        root.setPointerCapture(move.pointerId);
      }
      if (line) put(line, { d: `M${from.map(round).join(" ")}L${at.map(round).join(" ")}` });
      this.aim(from || this.taken(move) ? null : this.edge(at));
    });
    root.addEventListener("pointerleave", () => this.aim(null));
    root.addEventListener("pointerdown", (down) => { if (!this.taken(down)) from = this.at(down); });
    root.addEventListener("pointerup", (up) => { if (line) this.cutAlong(from, this.at(up)); });
    root.addEventListener("pointercancel", end);
    // A menu that opens before the click is over would be closed by it.
    root.addEventListener("click", (click) => {
      const edge = line || this.taken(click) ? null : this.edge(this.at(click));
      end();
      if (edge !== null) this.openLink(edge, { x: click.clientX, y: click.clientY });
    });
  }

  taken({ target }) { return Boolean(target.closest?.(".node, .token")); }

  // Where a pointer is, as the ring counts.
  at({ clientX, clientY }) {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(byId("ring").getScreenCTM().inverse());
    return [x, y];
  }

  // The member whose arrow to the next is near.
  edge([x, y]) {
    const alive = this.alive(), { ring } = player;
    if (alive.length < 2) return null;
    let best = null, least = NEAR;
    for (const m of alive) {
      const way = ring.way(m, alive[(alive.indexOf(m) + 1) % alive.length]);
      for (let f = 0; f <= 1; f += 0.125) {
        const [a, b] = way.at(f), far = Math.hypot(a - x, b - y);
        if (far < least) [best, least] = [m, far];
      }
    }
    return best;
  }

  aim(m) {
    if (this.aimed === m) return;
    this.aimed = m;
    this.aiming?.remove();
    byId("ring").classList.toggle("aims", m !== null);
    if (m === null) return;
    const alive = this.alive(), to = alive[(alive.indexOf(m) + 1) % alive.length];
    this.aiming = svg("path", { class: "aim", d: player.ring.way(m, to).path() }, svg("title", { text: `the link from ${run.name(m)} to ${run.name(to)}` }));
    player.ring.layers.gaps.append(this.aiming);
  }

  // Those on one side of a line.
  cutAlong([x1, y1], [x2, y2]) {
    const alive = this.alive(), side = (m) => { const [x, y] = player.ring.spot(m); return (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1) > 0; };
    const one = alive.filter(side), other = alive.filter((m) => !side(m)), few = one.length < other.length ? one : other;
    if (few.length) this.lab.act([`partition ${few.map((m) => this.target(m)).join(" ")}`]);
    else this.lab.tell("That line has no members on one side: nothing is split.");
  }
}
