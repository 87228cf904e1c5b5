// The ring: members on a circle, their links, and what is on its way between them.

const CROWN = "M-11 0L-13 -11L-6 -5L0 -13L6 -5L13 -11L11 0Z";
const MODES = { normal: "", leading: "leads", electing: "electing", waiting: "waits", joining: "joins", dead: "died", left: "left", frozen: "stopped" };
const SPOKEN = { normal: "follows", leading: "leads", electing: "electing", waiting: "waits for the log", joining: "joins", dead: "died", left: "left", frozen: "its process is stopped", absent: "not here yet" };

class Ring {
  constructor(run, picked) {
    this.run = run;
    this.picked = picked;
    this.root = byId("ring");
    this.layers = {};
    for (const name of ["sides", "follows", "trails", "gaps", "nexts", "asks", "nodes", "tokens"]) {
      this.root.append(this.layers[name] = layer(name));
    }
    this.nodes = new Map();
    this.lines = new Map();
    this.tokens = new Map();
    this.angles = new Map();
    this.shape = 0;
  }

  // Moves members towards their places; true while some are still on their way.
  settle(order, jump) {
    let moving = false;
    const size = order.length, places = new Map();
    order.forEach((m, i) => {
      const goal = -Math.PI / 2 + (i * 2 * Math.PI) / size;
      places.set(m, goal);
      const at = this.angles.get(m) ?? goal;
      const off = Math.atan2(Math.sin(goal - at), Math.cos(goal - at));
      const still = jump || Math.abs(off) < 0.004;
      if (at !== goal || !this.angles.has(m)) {
        this.angles.set(m, still ? goal : at + off * 0.22);
        this.shape++;
        moving ||= !still;
      }
    });
    for (const m of [...this.angles.keys()]) if (!places.has(m)) { this.angles.delete(m); this.shape++; }
    if (this.size !== size) {
      this.size = size;
      this.shape++;
      const gap = (2 * Math.PI * 152) / Math.max(size, 1);
      this.radius = size > 24 ? 168 : 152;
      this.node = Math.max(3, Math.min(31, gap * 0.36));
    }
    return moving;
  }

  spot(m, radius = this.radius) {
    const angle = this.angles.get(m) ?? 0;
    return [250 + radius * Math.cos(angle), 216 + radius * Math.sin(angle)];
  }

  // The way from one member to another: along the circle to the one that follows, else bent inside, past those between.
  way(from, to, inside = false) {
    const i = this.order.indexOf(from), next = this.order[(i + 1) % this.order.length];
    const margin = this.node + 5;
    if (!inside && next === to && from !== to) {
      const start = this.angles.get(from);
      let turn = this.angles.get(to) - start;
      while (turn <= 0) turn += 2 * Math.PI;
      const off = Math.min(margin / this.radius, turn / 2.2), r = this.radius;
      const point = (angle, radius = r) => [250 + radius * Math.cos(angle), 216 + radius * Math.sin(angle)];
      return {
        at: (f, out = 0) => point(start + off + (turn - 2 * off) * f, r + out),
        path: (f = 1) => {
          const end = off + (turn - 2 * off) * f, [x1, y1] = point(start + off), [x2, y2] = point(start + end);
          return `M${round(x1)} ${round(y1)}A${r} ${r} 0 ${end - off > Math.PI ? 1 : 0} 1 ${round(x2)} ${round(y2)}`;
        },
      };
    }
    return this.chord(this.spot(from), this.spot(to), margin);
  }

  chord([x1, y1], [x2, y2], margin) {
    const long = Math.hypot(x2 - x1, y2 - y1) || 1, bend = long > 1.8 * this.radius ? 0.12 : 0.4;
    // A little to the right of its direction, so that there and back are two lines.
    const qx = (x1 + x2) / 2 + (250 - (x1 + x2) / 2) * bend - ((y2 - y1) / long) * 9;
    const qy = (y1 + y2) / 2 + (216 - (y1 + y2) / 2) * bend + ((x2 - x1) / long) * 9;
    const off = Math.min(0.42, margin / long);
    const blossom = (u, v) => [
      (1 - u) * (1 - v) * x1 + (u + v - 2 * u * v) * qx + u * v * x2,
      (1 - u) * (1 - v) * y1 + (u + v - 2 * u * v) * qy + u * v * y2];
    return {
      at: (f) => { const u = off + (1 - 2 * off) * f; return blossom(u, u); },
      path: (f = 1) => {
        const end = off + (1 - 2 * off) * f;
        return `M${blossom(off, off).map(round).join(" ")}Q${blossom(off, end).map(round).join(" ")} ${blossom(end, end).map(round).join(" ")}`;
      },
    };
  }

  // Draws the state after event `e` at `t`; `linger` is how long a moment stays seen, in µs of the run.
  draw(state, e, t, linger, still) {
    this.order = state.order;
    const moving = this.settle(state.order, still);
    const leader = this.leader(state);
    for (const m of state.order) this.member(m, state, leader);
    for (const [m, node] of this.nodes) if (!state.order.includes(m)) { node.group.remove(); this.nodes.delete(m); }
    this.links(state, t, leader, linger);
    this.cuts(state, t);
    this.sides(t);
    this.flights(state, e, t, linger, still);
    return moving;
  }

  // Who leads in the newest epoch.
  leader(state) {
    let best = null;
    for (const m of state.order) {
      if (state.members[m].mode === "leading" && (best === null || state.members[m].epoch > state.members[best].epoch)) best = m;
    }
    return best;
  }

  make(m) {
    const name = this.run.name(m), group = svg("g", { class: "node", tabindex: 0, role: "button" });
    const node = {
      group, disc: svg("circle"), hatch: svg("circle", { class: "hatch" }), halo: svg("circle", { class: "halo" }), cross: svg("path", { class: "cross" }), crown: svg("path", { class: "crown", d: CROWN }),
      name: svg("text", { class: "name", text: name }), rank: svg("text", { class: "rank", text: this.run.rank(m) }),
      word: svg("text", { class: "word" }), clock: svg("text", { class: "clock" }),
    };
    group.append(node.halo, node.disc, node.hatch, node.cross, node.crown, node.name, node.rank, node.word, node.clock);
    group.addEventListener("click", () => this.picked.member(m, group));
    group.addEventListener("keydown", (key) => { if ([" ", "Enter"].includes(key.key)) { this.picked.member(m, group); key.stopPropagation(); key.preventDefault(); } });
    this.nodes.set(m, node);
    this.layers.nodes.append(group);
    return node;
  }

  member(m, state, leader) {
    const node = this.nodes.get(m) ?? this.make(m), member = state.members[m];
    const leads = member.mode === "leading", chosen = this.picked.m === m;
    const key = `${this.shape} ${leads} ${chosen} ${leader}`;
    if (node.member === member && node.key === key) return;
    Object.assign(node, { member, key });
    const [x, y] = this.spot(m), r = round(this.node), gone = DEAD.has(member.mode);
    put(node.group, {
      class: `node ${member.mode}${leads && leader !== m ? " other" : ""}${chosen ? " chosen" : ""}`, transform: `translate(${round(x)} ${round(y)})`,
      "aria-label": `${[this.run.name(m), this.run.rank(m)].filter(Boolean).join(", ")}, ${SPOKEN[member.mode]}${member.lc === null || gone ? "" : `, clock ${member.lc}`}${member.next === null || gone ? "" : `, next is ${this.run.name(member.next)}`}`,
    });
    put(node.disc, { r });
    put(node.hatch, { r });
    put(node.halo, { r: round(r + (r < 20 ? 5 : 9)) });
    const c = round(r * 0.42);
    put(node.cross, { d: member.mode === "dead" ? `M${-c} ${-c}L${c} ${c}M${c} ${-c}L${-c} ${c}` : "" });
    put(node.crown, { transform: leads ? `translate(0 ${-r - 5}) scale(${this.node > 20 ? 1 : 0.62})` : "scale(0)" });
    this.words(node, m, member, leads, gone);
  }

  words(node, m, member, leads, gone) {
    const angle = this.angles.get(m), r = this.node, small = this.size > 12;
    const side = Math.cos(angle), anchor = side > 0.3 ? "start" : side < -0.3 ? "end" : "middle";
    const word = MODES[member.mode] ?? "", clock = gone || member.lc === null ? "" : `clock ${member.lc}`;
    if (small) {
      const turned = this.size > 24, back = turned && side < 0, degrees = (angle * 180) / Math.PI + (back ? 180 : 0);
      const out = r + 8 + (leads ? 10 : 0), shown = this.size <= 60 || leads || this.picked.m === m || member.mode === "electing";
      put(node.name, turned
        ? { transform: `rotate(${round(degrees)})`, x: back ? -out : out, y: 4, "text-anchor": back ? "end" : "start" }
        : { transform: null, x: round(out * side), y: round(out * Math.sin(angle) + 4), "text-anchor": anchor });
      put(node.name, { text: shown ? this.run.name(m) : "", "font-size": this.size > 40 ? 9.5 : 11.5 });
      for (const text of [node.rank, node.word, node.clock]) put(text, { text: "" });
      return;
    }
    const size = Math.min(14.5, (r * 2 - 6) / Math.max(1, widthOf(this.run.name(m), 1)));
    put(node.name, { text: gone && member.mode === "dead" ? "" : this.run.name(m), x: 0, y: this.run.rank(m) ? 1 : 5, "text-anchor": "middle", "font-size": round(size), transform: null });
    put(node.rank, { text: member.mode === "dead" ? "" : this.run.rank(m), y: 15 });
    const said = member.mode === "dead" ? `${this.run.name(m)} died` : word;
    if (anchor === "middle") {
      const up = Math.sin(angle) < 0, y = up ? -r - (leads ? 26 : 12) : r + 22;
      put(node.word, { text: [said, clock].filter(Boolean).join(" · "), x: 0, y: round(y), "text-anchor": "middle" });
      put(node.clock, { text: "" });
      return;
    }
    const x = round((r + 11) * side), y = round((r + 11) * Math.sin(angle));
    put(node.word, { text: said, x, y, "text-anchor": anchor });
    put(node.clock, { text: clock, x, y: y + (said ? 14 : 4), "text-anchor": anchor });
  }

  line(key, layerName, make) {
    let line = this.lines.get(key);
    if (!line) {
      this.lines.set(key, line = make());
      this.layers[layerName].append(line);
    }
    line.seen = this.round;
    return line;
  }

  // A line of a kind from one member to another; its way is found anew only if something about it changed.
  path(key, layerName, kind, from, to, head = null, inside = false) {
    const line = this.line(key, layerName, () => svg("path")), about = `${kind} ${from} ${to} ${this.shape}`;
    if (line.about === about && line.order === this.order) return;
    Object.assign(line, { about, order: this.order });
    put(line, { class: kind, d: this.way(from, to, inside).path(), "marker-end": head });
  }

  links(state, t, leader, linger) {
    this.round = (this.round ?? 0) + 1;
    for (const [i, m] of state.order.entries()) {
      const member = state.members[m], following = state.order[(i + 1) % state.order.length];
      if (following !== m && (member.mode === "dead" || state.members[following].mode === "dead")) this.path(`gap${m}`, "gaps", "gap", m, following);
      if (DEAD.has(member.mode)) continue;
      if (leader !== null && m !== leader && member.leader === leader && this.size <= 60) this.path(`leader${m}`, "follows", "follow", leader, m, null, true);
      const next = member.next;
      if (next !== null && next !== m && this.angles.has(next) && !DEAD.has(state.members[next].mode)) this.next(m, next, member, t, linger);
      else if (member.asks !== null && member.asks !== member.prev && this.angles.has(member.asks) && !DEAD.has(state.members[member.asks].mode)) this.ask(m, member.asks);
    }
  }

  next(m, next, member, t, linger) {
    const turned = member.turned >= 0 ? this.run.times[member.turned] : -Infinity;
    const fresh = t - turned < linger;
    this.path(`next${m}`, "nexts", fresh ? "next fresh" : "next", m, next, fresh ? "url(#head-new)" : this.size > 40 ? null : "url(#head)");
    if (fresh && this.size <= 12) this.label(`word${m}`, this.way(m, next), "repaired");
  }

  ask(m, asked) {
    this.path(`ask${m}`, "asks", "ask", m, asked, "url(#head-new)");
    if (this.size <= 12) this.label(`word${m}`, this.way(m, asked), `${this.run.name(m)} asks ${this.run.name(asked)}`);
  }

  label(key, way, text) {
    const [x, y] = way.at(0.5), far = Math.hypot(250 - x, 216 - y) || 1;
    const text_ = this.line(key, "asks", () => svg("text", { class: "repairing" }));
    put(text_, { text, x: round(x + ((250 - x) / far) * 20), y: round(y + ((216 - y) / far) * 20 + 4) });
  }

  // Where nothing gets through: a gap in the way with two bars.
  cuts(state, t) {
    const here = this.run.faults.filter((fault) => fault.t <= t), healed = here.findLastIndex((fault) => fault.kind === "heal");
    for (const { sides } of here.slice(healed + 1).filter((fault) => fault.kind === "cut")) {
      const [[from], [to]] = sides;
      if (![from, to].every((m) => this.angles.has(m) && !DEAD.has(state.members[m].mode))) continue;
      const way = this.way(from, to), [x, y] = way.at(0.5), [u, v] = way.at(0.52), turn = round((Math.atan2(v - y, u - x) * 180) / Math.PI);
      const bars = this.line(`cut${from} ${to}`, "asks", () => svg("g", { class: "cutting" }, svg("path", { d: "M-4 0H4" }), svg("path", { d: "M-5 -8V8M5 -8V8" })));
      put(bars, { transform: `translate(${round(x)} ${round(y)}) rotate(${turn})` });
    }
  }

  // Members of one side of a partition stand on one tint.
  sides(t) {
    const parted = this.run.partitions.find((partition) => partition.t1 <= t && (partition.t2 === null || t < partition.t2));
    const key = parted ? `${parted.t1} ${this.shape}` : "";
    if (this.parted === key) return;
    this.parted = key;
    this.layers.sides.replaceChildren();
    parted?.sides.forEach((side, i) => {
      for (const m of side) {
        if (!this.angles.has(m)) continue;
        const [cx, cy] = this.spot(m).map(round);
        this.layers.sides.append(svg("circle", { cx, cy, r: round(this.node + 15), class: `side side${i % 2}` }));
      }
    });
  }

  flights(state, e, t, linger, still) {
    const shown = new Map(), trails = new Map();
    let small = 0;
    for (const f of this.run.flying(e, t)) {
      const flight = this.run.flights[f];
      if (!this.angles.has(flight.from) || !this.angles.has(flight.to) || flight.from === flight.to) continue;
      if ((flight.class === "beat" || flight.class === "chat") && ++small > 80) continue;
      const end = flight.t2 ?? flight.t1 + this.run.lag;
      const part = Math.max(0, Math.min(1, (t - flight.t1) / Math.max(1, end - flight.t1)));
      // A pill is wide, so it keeps away from the members at both ends.
      const pill = this.size <= 24 && (flight.class === "elect" || flight.class === "lead");
      shown.set(f, { flight, part: still ? 0.5 : pill ? 0.1 + 0.8 * part : part, stopped: 0 });
    }
    for (let i = e; i >= 0 && i > e - 48 && t - this.run.times[i] < linger; i--) {
      const f = this.run.taken.get(i), flight = this.run.flights[f];
      if (flight?.class === "elect" && this.run.ends.has(flight.s) && this.angles.has(flight.from) && this.angles.has(flight.to)) {
        shown.set(f, { flight, part: 0.9, stopped: 1 - (t - this.run.times[i]) / linger });
      }
    }
    for (const [f, { flight, part, stopped }] of shown) {
      this.token(f, flight, part, stopped);
      if (flight.class === "elect" && flight.about !== null && !stopped) this.trail(trails, flight, part);
    }
    for (const m of state.order) {
      const { holds } = state.members[m];
      if (!holds) continue;
      shown.set(`held by ${m}`, holds);
      this.held(`held by ${m}`, m, holds);
      if (holds.from !== undefined && this.angles.has(holds.from)) this.trail(trails, holds, 1);
    }
    for (const [f, token] of this.tokens) if (!shown.has(f)) { token.remove(); this.tokens.delete(f); }
    for (const [about, d] of trails) put(this.line(`trail${about}`, "trails", () => svg("path", { class: "trail" })), { d });
    for (const [key, line] of this.lines) if (line.seen !== this.round) { line.remove(); this.lines.delete(key); }
    const won = this.run.elections.some((election) => election.t2 !== null && election.t2 <= t && t < election.t2 + linger * 1.5 && this.nodes.has(election.winner));
    put(this.root, { class: won ? "won" : "" });
  }

  // The way that a token has gone so far, and the piece it is on.
  trail(trails, flight, part) {
    const path = flight.path ?? [];
    let d = trails.get(flight.about) ?? "";
    for (let i = 1; i < path.length; i++) if (this.angles.has(path[i - 1]) && this.angles.has(path[i]) && path[i] !== path[i - 1]) d += this.way(path[i - 1], path[i]).path();
    const last = path.at(-1);
    if (last !== undefined && last !== flight.from && last !== flight.to && this.angles.has(last)) d += this.way(last, flight.from).path();
    trails.set(flight.about, d + this.way(flight.from, flight.to).path(Math.max(part, 0.02)));
  }

  token(f, flight, part, stopped) {
    let token = this.tokens.get(f);
    if (!token) {
      this.tokens.set(f, token = this.makeToken(f, flight));
      this.layers.tokens.append(token);
    }
    const onRing = flight.class === "elect" || flight.class === "lead";
    const lost = flight.fate === "lost" && flight.t2 === null;
    const [x, y] = this.way(flight.from, flight.to, !onRing).at(lost ? part / 2 : part, onRing ? 6 : 0);
    const fading = stopped ? stopped : lost && part > 0.5 ? 2 - 2 * part : 1;
    put(token, { transform: `translate(${round(x)} ${round(y)})`, opacity: round(fading) === 1 ? null : Math.round(fading * 20) / 20, class: `token ${flight.class}${stopped ? " stopped" : ""}` });
  }

  // A token that its member cannot send on yet lies beside it, inside of the ring.
  held(key, m, holds) {
    let token = this.tokens.get(key);
    if (token?.about !== holds.about) {
      token?.remove();
      this.tokens.set(key, token = this.makeToken(key, { class: "elect", k: "Elect", about: holds.about, from: m, to: m, s: holds.e }));
      token.about = holds.about;
      this.layers.tokens.append(token);
    }
    // As far from the member as the pill is wide there.
    const angle = this.angles.get(m), half = this.size > 24 ? 5 : widthOf(`${this.run.name(holds.about)}?`, 13.5) / 2 + 9;
    const [x, y] = this.spot(m, this.radius - this.node - 4 - Math.max(Math.abs(Math.cos(angle)) * half, Math.min(half, 12)));
    put(token, { transform: `translate(${round(x)} ${round(y)})`, class: "token elect held" });
  }

  makeToken(f, flight) {
    const { class: kind, k } = flight, big = this.size <= 24, group = svg("g", { class: `token ${kind}` });
    const about = flight.about === null ? "" : this.run.name(flight.about);
    if (kind === "elect") {
      const width = widthOf(`${about}?`, 13.5) / 2 + 6;
      if (big) group.append(svg("circle", { r: 25, class: "glow" }), pill(`${about}?`, 24, 13.5, "elect"), svg("path", { class: "stop", d: `M${-width} 9L${width} -9` }));
      else group.append(svg("circle", { r: 7 }));
    } else if (kind === "lead" && k === "Elected" && big) group.append(pill(`${about} leads`, 22, 12, "lead"));
    else if (kind === "repair") group.append(svg("path", { d: "M0 -7L7 0L0 7L-7 0Z" }));
    else if (kind === "member") group.append(svg("path", { d: "M-5 -5H5V5H-5Z" }));
    else group.append(svg("circle", { r: kind === "beat" ? 2.2 : kind === "chat" ? 3.6 : 5 }));
    const way = flight.from === flight.to ? `at ${this.run.name(flight.to)}` : `from ${this.run.name(flight.from)} to ${this.run.name(flight.to)}`;
    group.append(svg("title", { text: `${k} ${way}` }));
    group.addEventListener("click", () => this.picked.event(flight.s ?? flight.r));
    return group;
  }
}
