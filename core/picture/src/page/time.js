// Space and time: the marks of the layout, those near the view only; the cursor and the veil move, marks stay.

const BLOCK = 400;
const HEADS = 46;
const LAYERS = ["band", "wall", "lifeline", "wait", "reign", "break", "chat", "beat", "catchup", "repair", "member", "merge", "lead", "elect", "dot", "top"];
const LAYER_OF = { band: "band", wall: "wall", side: "top", break: "break", lifeline: "lifeline", wait: "wait", reign: "reign", dot: "dot", down: "dot", tick: "dot", triangle: "dot", bar: "dot", cross: "top", won: "top" };

class Diagram {
  constructor(run, picked) {
    this.run = run;
    this.picked = picked;
    this.box = byId("time");
    this.space = byId("space");
    this.marks = byId("marks");
    this.heads = byId("heads").firstElementChild;
    this.layers = {};
    this.chosen = svg("rect", { class: "column", y: 0, width: 0 });
    this.ticks = layer("ticks");
    this.marks.append(this.chosen, this.ticks);
    for (const name of LAYERS) this.marks.append(this.layers[name] = layer(`layer-${name}`));
    this.here = svg("circle", { class: "here", r: 7.5, cx: -50, cy: -50 });
    this.marks.append(this.here);
    this.shown = new Map();
    this.past = null;
    this.follow = true;
    // Where in the view the cursor stands.
    this.place = 0.5;
    this.box.addEventListener("wheel", () => { this.free = true; }, { passive: true });
    this.box.addEventListener("touchmove", () => { this.free = true; }, { passive: true });
    this.box.addEventListener("scroll", () => { this.scrolled = this.box.scrollTop; this.window(); }, { passive: true });
    this.space.addEventListener("click", (click) => this.click(click));
    this.reload();
  }

  // How far columns are from each other.
  apart() {
    const [first, second] = this.run.columns;
    return second ? second.x - first.x : 80;
  }

  // Takes the run anew: its marks by height. So many first marks are as they were.
  reload(same = 0) {
    this.blocks = [];
    this.run.marks.forEach((mark, i) => {
      const end = this.end(mark), from = Math.min(mark.y1, end) - 14, to = Math.max(mark.y1, end) + 14;
      for (let b = Math.max(0, Math.floor(from / BLOCK)); b <= Math.floor(to / BLOCK); b++) (this.blocks[b] ??= []).push(i);
    });
    for (const [i, made] of this.shown) if (i >= same || made.mark.y2 === null) { made.remove(); this.shown.delete(i); }
    this.headOf = null;
    this.heads.replaceChildren();
    this.columns = this.run.columns.map((column) => {
      const tight = this.apart() < 50, group = svg("g", { class: `column-head${tight ? " tight" : ""}` }), name = svg("text", { x: column.x, y: 24, class: "name", text: column.label }), word = svg("text", { x: column.x, y: 38, class: "word" });
      group.append(name, word);
      group.addEventListener("click", () => column.members.length && this.picked.member(column.members.at(-1)));
      this.heads.append(group);
      return { group, word, column, tight };
    });
    this.resize();
  }

  // A mark without an end reaches down to the end of the picture.
  end(mark) { return mark.y2 ?? this.run.height - 24; }

  resize() {
    const pane = this.pane = this.box.clientWidth || 572, { width, height } = this.run;
    this.zoom = Math.max(pane < 500 ? 0.62 : 0.78, Math.min(1.3, pane / width));
    this.width = Math.round(width * this.zoom);
    this.high = height;
    put(this.marks, { width: this.width, height: Math.round(height * this.zoom), viewBox: `0 0 ${width} ${height}` });
    put(this.heads, { width: this.width, height: Math.round(HEADS * this.zoom), viewBox: `0 0 ${width} ${HEADS}` });
    this.space.style.width = this.heads.parentElement.style.width = `${this.width}px`;
    // The layout leaves room for the heads, which lie over the top of the diagram.
    this.heads.parentElement.style.marginBottom = `-${Math.round(HEADS * this.zoom)}px`;
    this.view = this.box.clientHeight || 600;
    this.space.style.setProperty("--zoom", this.zoom);
    this.space.style.height = `${Math.round(height * this.zoom)}px`;
    byId("veil").style.height = `${this.view * 2}px`;
    this.from = this.to = -1;
    this.window();
  }

  // Makes the marks around the view, and drops those far from it.
  window() {
    if (this.printing) return;
    const top = (this.scrolled ?? 0) / this.zoom, view = this.view / this.zoom;
    const from = Math.max(0, Math.floor((top - view * 0.75) / BLOCK)), to = Math.floor((top + view * 1.75) / BLOCK);
    if (from === this.from && to === this.to) return;
    this.from = from;
    this.to = to;
    this.show(from, to);
  }

  show(from, to) {
    const wanted = new Set();
    for (let b = from; b <= to; b++) for (const i of this.blocks[b] ?? []) wanted.add(i);
    for (const [i, mark] of this.shown) if (!wanted.has(i)) { mark.remove(); this.shown.delete(i); }
    for (const i of wanted) {
      if (this.shown.has(i)) continue;
      const mark = this.run.marks[i], made = this.make(mark);
      if (!made) continue;
      made.mark = mark;
      this.shown.set(i, made);
      this.layers[mark.kind === "arrow" ? (LAYERS.includes(mark.class) ? mark.class : "chat") : LAYER_OF[mark.kind]].append(made);
      this.light(made);
    }
    this.ticks.replaceChildren(...this.run.ticks.filter((tick) => tick.y >= from * BLOCK && tick.y < (to + 1) * BLOCK)
      .flatMap((tick) => [svg("text", { x: 52, y: tick.y + 4, text: tick.label }), svg("path", { d: `M56 ${tick.y}H62` })]));
  }

  make(mark) {
    const draw = this[`draw_${mark.kind}`];
    if (!draw || !(mark.kind === "arrow" || LAYER_OF[mark.kind])) return null;
    const group = svg("g", { class: `mark ${mark.kind} ${mark.class}` }, ...draw.call(this, mark));
    const words = mark.event === null || mark.event === undefined ? "" : this.run.events[mark.event]?.words;
    if (words) group.append(svg("title", { text: words }));
    return group;
  }

  // From the middle of one dot to that of another; what is stopped ends before the lifeline.
  draw_arrow({ x1, y1, x2, y2, class: kind, label, end }) {
    const long = Math.hypot(x2 - x1, y2 - y1) || 1, ux = (x2 - x1) / long, uy = (y2 - y1) / long, head = kind === "chat" ? 5 : 7;
    const stopped = end === "bar" || end === "drop", tip = stopped ? 14 : end === "cut" || end === "fade" ? 0 : 5;
    const at = (along, across) => `${round(x2 - ux * (tip + along) - uy * across)} ${round(y2 - uy * (tip + along) + ux * across)}`;
    const arrives = end === "head" || end === "dawn", begin = end === "dawn" ? 0 : 5;
    const parts = [svg("path", { class: `shaft ${end}`, d: `M${round(x1 + ux * begin)} ${round(y1 + uy * begin)}L${at(arrives ? head - 1 : 0, 0)}` })];
    if (arrives) parts.push(svg("path", { class: "tip", d: `M${at(0, 0)}L${at(head, head / 2)}L${at(head, -head / 2)}Z` }));
    if (stopped) parts.push(svg("path", { class: `stop ${end}`, d: `M${at(0, 8)}L${at(0, -8)}` }));
    if (end === "cut") parts.push(svg("path", { class: "lost", d: `M${x2 - 4} ${y2 - 4}l8 8m0 -8l-8 8` }));
    if (!label) return parts;
    if (kind === "elect") {
      const wide = Math.abs(x2 - x1), f = wide > 2.5 * this.apart() ? 0.62 : 0.5, bearing = pill(label, 15, 10.5, "elect");
      // Beside an end that nobody tells of; else on the arrow, if that is long enough.
      const fades = end === "fade" ? 1 : end === "dawn" ? -1 : 0, half = widthOf(label, 10.5) / 2 + 7;
      const [x, y] = fades ? [(fades > 0 ? x2 : x1) + fades * Math.sign(ux) * half, fades > 0 ? y2 : y1] : [x1 + (x2 - x1) * f, y1 + (y2 - y1) * f];
      if (fades ? x - half < 62 : wide < 2 * half + 10) return parts;
      put(bearing, { transform: `translate(${round(x)} ${round(y)})` });
      parts.push(bearing);
    } else {
      const right = x2 > x1;
      parts.push(svg("text", { class: "kind", x: x1 + (right ? 4 : -4), y: y1 - 3 + (uy > 0.5 ? -2 : 0), "text-anchor": right ? "start" : "end", text: label }));
    }
    return parts;
  }

  draw_dot({ x1, y1, x2, class: kind, label }) {
    const dot = svg("circle", { cx: x1, cy: y1, r: kind === "chat" || kind === "beat" ? 2.6 : 3.8 });
    return label ? [dot, svg("text", { x: x1 + 9 * (x2 || 1), y: y1 + 3.5, "text-anchor": x2 < 0 ? "end" : "start", text: label })] : [dot];
  }

  draw_won({ x1, y1 }) { return [svg("circle", { cx: x1, cy: y1, r: 8.5 })]; }
  draw_down({ x1, y1 }) { return [svg("circle", { cx: x1, cy: y1, r: 4.5 })]; }
  draw_cross({ x1, y1 }) { return [svg("path", { d: `M${x1 - 7} ${y1 - 7}l14 14m0 -14l-14 14` })]; }
  draw_tick({ x1, y1 }) { return [svg("path", { d: `M${x1 - 4} ${y1}h8` })]; }
  draw_bar({ x1, y1 }) { return [svg("path", { d: `M${x1 - 7} ${y1}h14` })]; }
  draw_triangle({ x1, y1 }) { return [svg("path", { d: `M${x1 - 6} ${y1 + 5}h12l-6 -11z` })]; }
  draw_lifeline(mark) { return [svg("path", { d: `M${mark.x1} ${mark.y1}L${mark.x2} ${this.end(mark)}` })]; }
  draw_reign(mark) { return this.draw_lifeline(mark); }
  draw_wait(mark) { return this.draw_lifeline(mark); }
  draw_wall(mark) { return this.draw_lifeline(mark); }
  draw_side({ x1, y1, label }) { return [svg("text", { x: x1, y: y1, "text-anchor": "middle", text: label })]; }

  draw_band(mark) {
    const { x1, y1, x2, label } = mark, y2 = this.end(mark);
    const box = svg("rect", { x: x1, y: y1, width: x2 - x1, height: Math.max(1, y2 - y1), rx: 8 });
    return label && y2 - y1 > widthOf(label, 10.5) * 0.9 ? [box, svg("text", { transform: `translate(${x2 - 10} ${y1 + 12}) rotate(90)`, text: label })] : [box];
  }

  draw_break({ x1, y1, x2, label }) {
    const width = widthOf(label ?? "", 10.5) + 10, x = (x1 + x2) / 2;
    return [svg("path", { d: `M${x1} ${y1 - 4}H${x2}M${x1} ${y1 + 4}H${x2}` }),
      svg("rect", { x: x - width / 2, y: y1 - 8, width, height: 16 }), svg("text", { x, y: y1 + 3.5, "text-anchor": "middle", text: label ?? "" })];
  }

  // Marks that could not have influenced the chosen event step back.
  light(made) {
    const { event, kind } = made.mark;
    const known = this.past && event !== null && event !== undefined && kind !== "band" && kind !== "lifeline";
    const dim = known && !(event <= (this.past.get(this.run.events[event]?.m) ?? -1));
    put(made, { class: `mark ${kind} ${made.mark.class}${dim ? " dim" : ""}` });
  }

  lightAll(past) {
    this.past = past;
    for (const made of this.shown.values()) this.light(made);
  }

  // Shows the moment: the cursor, what lies after it veiled, and the heads.
  draw(state, e, t, playing) {
    if (this.run.height !== this.high) this.resize();
    const y = Math.round(this.run.y(e, t) * this.zoom);
    if (y !== this.cursorY) {
      this.cursorY = y;
      touched.writes += 2;
      byId("cursor").style.transform = byId("veil").style.transform = `translateY(${y}px)`;
    }
    if (this.follow && !this.free) this.scroll(y, e, playing);
    this.head(state);
    // How an election ends is told once its end is seen.
    for (const band of this.layers.band.children) put(band, { "data-ahead": this.end(band.mark) * this.zoom > y + 1 ? "" : null });
    const column = this.run.columns[this.run.columnOf.get(this.picked.m)];
    put(this.chosen, column ? { x: column.x - 14, width: 28, height: this.run.height } : { width: 0 });
    const now = e >= 0 && this.run.times[e] === t ? this.run.events[e] : null;
    const spot = now && this.run.columns[this.run.columnOf.get(now.m)], row = this.run.rows[this.run.rowOf[e]];
    put(this.here, spot && row?.t === t ? { cx: spot.x, cy: row.y } : { cx: -50, cy: -50 });
  }

  scroll(y, e, playing) {
    const top = Math.max(0, y - Math.round(this.view * this.place));
    // Reading where a box stands makes the browser lay out the page once more, so it is remembered.
    if (top !== this.scrolled) {
      this.box.scrollTop = this.scrolled = top;
      this.window();
    }
    if (this.width <= this.pane || playing) return;
    const column = this.run.columns[this.run.columnOf.get(this.run.events[e]?.m)];
    if (!column) return;
    const x = column.x * this.zoom, left = this.box.scrollLeft;
    if (x < left + 70 || x > left + this.pane - 70) this.box.scrollLeft = x - this.pane / 2;
  }

  head(state) {
    if (this.headOf === state.members && this.headAt === state.e) return;
    this.headOf = state.members;
    this.headAt = state.e;
    for (const { group, word, column, tight } of this.columns) {
      const m = column.members.at(-1), member = state.members[m];
      if (!member) continue;
      const many = column.members.length > 1;
      const said = many ? `${column.members.length} members` : { leading: "leads", dead: "died", left: "left", frozen: "stopped" }[member.mode] ?? this.run.rank(m);
      put(word, { text: said });
      put(group, { class: `column-head ${many ? "" : member.mode}${tight ? " tight" : ""}` });
    }
  }

  // What is nearest to a click: a dot, else an arrow, else the moment at that height.
  click(click) {
    const box = this.space.getBoundingClientRect(), x = (click.clientX - box.left) / this.zoom, y = (click.clientY - box.top) / this.zoom;
    let best = null, least = 13;
    for (const { mark } of this.shown.values()) {
      if (mark.event === null || mark.event === undefined) continue;
      const line = mark.kind === "arrow";
      if (!line && !["dot", "cross", "down", "tick", "triangle", "bar", "won"].includes(mark.kind)) continue;
      const far = line ? 5 + this.beside(mark, x, y) : Math.hypot(mark.x1 - x, mark.y1 - y);
      if (far < least) { least = far; best = mark; }
    }
    if (best) this.picked.event(best.event); else this.picked.moment(this.run.moment(y));
  }

  beside({ x1, y1, x2, y2 }, x, y) {
    const dx = x2 - x1, dy = y2 - y1, f = Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1)));
    return Math.hypot(x1 + dx * f - x, y1 + dy * f - y);
  }

  // The diagram in sheets, each with its heads, from the first fault on; they end where few arrows are cut.
  sheets() {
    const { run } = this, { width } = run, high = width * 1.22, sheets = [];
    const arrows = run.marks.filter(({ kind }) => kind === "arrow"), cut = (y) => arrows.filter(({ y1, y2 }) => Math.min(y1, y2) < y && y < Math.max(y1, y2)).length;
    const first = run.faults.find(({ kind }) => kind in BREAKS), begin = first ? run.y(first.e, first.t) - 40 : run.top, end = Math.max(run.bottom, begin) + 16;
    for (let from = Math.max(begin, run.top), to; from < end; from = to) {
      to = Math.min(end, from + high);
      if (to < end) {
        const ways = run.rows.flatMap(({ y }, i) => { const middle = (y + (run.rows[i + 1]?.y ?? y)) / 2; return middle > from + high * 0.7 && middle < to ? [middle] : []; });
        to = ways.reduceRight((best, y) => (best === null || cut(y) < cut(best) ? y : best), null) ?? to;
      }
      this.show(Math.floor(from / BLOCK), Math.floor(to / BLOCK));
      const marks = put(this.marks.cloneNode(true), { viewBox: `0 ${round(from)} ${width} ${round(to - from)}` });
      marks.removeAttribute("width");
      marks.removeAttribute("height");
      const heads = this.heads.cloneNode(true);
      heads.removeAttribute("width");
      heads.removeAttribute("height");
      heads.id = "heads";
      sheets.push(html("div", { class: "sheet" }, heads, marks));
    }
    return sheets;
  }

  // For paper the sheets stand where the diagram stood.
  print(shown) {
    this.printing = shown;
    byId("sheets").replaceChildren(...(shown ? this.sheets() : []));
    if (!shown) { this.from = -1; this.window(); }
  }

  // All marks at once, for files.
  whole(shown) {
    this.printing = shown;
    if (shown) this.show(0, this.blocks.length);
    else { this.from = -1; this.window(); }
  }

  // The whole diagram as a file of its own, with the rules of this page.
  file() {
    this.whole(true);
    const { width, height } = this.run, copy = this.marks.cloneNode(true), heads = this.heads.cloneNode(true);
    this.whole(false);
    const rules = [...document.styleSheets[0].cssRules].map((rule) => rule.cssText).filter((rule) => /^:root|prefers-color|#marks|\.mark|\.pill|#heads|\.ticks|\.column-head/.test(rule));
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "data-theme": document.documentElement.dataset.theme ?? null },
      svg("title", { text: this.run.title }), svg("desc", { text: this.told() }), svg("style", { text: `${rules.join("\n")}\nsvg{font-family:Inter,"Segoe UI",system-ui,"DejaVu Sans",sans-serif}` }),
      svg("rect", { class: "paper", width, height }));
    heads.id = "heads";
    root.append(put(copy, { width, height }), put(heads, { width, height: HEADS }));
    return new XMLSerializer().serializeToString(root);
  }

  told() {
    return this.run.elections.map((election) => `Election of epoch ${election.epoch}: ${election.starters.map((m) => this.run.name(m)).join(", ")} stood${
      election.winner === null ? "" : `, ${this.run.name(election.winner)} won`}, ${election.messages} messages.`).join(" ");
  }
}
