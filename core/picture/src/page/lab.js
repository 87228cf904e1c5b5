// The laboratory: runs that are played on while one watches, branches, exercises, the script.

// The run is known so far ahead of the cursor, in µs of its time; more of it if time goes by fast.
const AHEAD = 200_000;
const AHEAD_MS = 600;
const WATCH_MS = 100;
// A room is first shown so long after it has gathered, in µs, when all is quiet.
const CALM = 50_000;
const LONGEST = 600_000_000;
// An election under way is waited for at most so far, to know how slowly to show it.
const AIM = 5_000_000;
const ROOM = "nodes 6 seed 7 delay 9ms";
// The times of the head of a script, in ms: what can be chosen, and what holds if none is written.
const TIMES = { delay: [1, 2, 5, 9, 20, 50, 100, 200, 400, 600, 1000], detect: [100, 200, 300, 500, 1000, 2000, 3000, 5000, 10_000] };
const USUAL = { delay: 2, detect: 1000 };

function addKey(key, words) { byId("keys").querySelector("dl").append(html("div", {}, html("dt", {}, html("kbd", { text: key })), html("dd", { text: words }))); }

class Lab {
  constructor(hello) {
    this.exercises = hello.exercises;
    this.places = new Map();
    this.seen = new Map();
    this.deeds = new Deeds(this);
    player.keys = { m: () => byId("do").click(), u: () => this.undo(), x: () => byId("exercises").click(), s: () => byId("script").click() };
    for (const [key, words] of [["m", "do something to the room"], ["u", "undo the last deed"], ["x", "exercises"], ["s", "the script of this run"]]) addKey(key, words);
    byId("bench").hidden = false;
    this.dialogs();
    for (const name of Object.keys(TIMES)) this.knob(name, TIMES[name]);
    server.back = (again) => this.begin(again);
    this.begin(hello);
    setInterval(() => this.watch(), WATCH_MS);
  }

  begin({ runs, current }) {
    if (this.run) this.places.set(this.run.run, Math.round(player.t));
    this.runs = runs;
    const now = runs.find((one) => one.run === current) ?? runs[0], asked = this.run ? Number.NaN : server.moment;
    if (now) this.open(now, this.places.get(now.run) ?? (asked > now.gathered ? asked : now.gathered + CALM));
  }

  tell(words) {
    const text = words || this.note || "", status = byId("trouble");
    if (status.textContent === text) return;
    put(status, { text, title: text || null });
    this.inView();
  }

  // Asks, one question after another, and tells what the laboratory refuses.
  async ask(request) {
    const before = this.asked;
    this.asked = (async () => {
      await before;
      try {
        const answer = await server.ask(request);
        this.tell("");
        return answer;
      } catch (refused) {
        if (!server.gone) this.tell(refused.message);
        return null;
      }
    })();
    return this.asked;
  }

  // Shows a run at a moment.
  async open(now, t, plays = false) {
    player.pause();
    player.tell.close();
    if (this.run) this.places.set(this.run.run, Math.round(player.t));
    Object.assign(this, { run: now, have: 0, known: 0, slow: null, turning: false, over: false, reached: null });
    this.seen.set(now.run, Math.max(this.seen.get(now.run) ?? 0, t));
    this.head();
    await this.more(t + AHEAD);
    if (this.run !== now) return;
    player.seek(player.before(t), t);
    if (plays) { this.slow = t; this.aim(); player.start(); }
  }

  // Lets the run be played up to a moment, and takes what is new of it.
  async more(to) {
    const { run: asked } = this;
    this.asking = true;
    const end = Math.min(Math.round(to), LONGEST);
    let answer;
    do {
      this.judged = this.seen.get(asked.run) ?? 0;
      answer = await this.ask({ ask: "more", run: asked.run, to: end, have: this.have, seen: Math.round(this.judged) });
      if (!answer || this.run !== asked || this.turning) break;
      this.over = !answer.busy && answer.now < end;
      this.take(answer);
    } while (answer.busy);
    this.asking = false;
  }

  take({ version, now, part, failure, goal }) {
    this.have = version;
    this.known = now;
    if (Object.keys(part).length) append(part);
    run.end = Math.max(now, run.times.at(-1) ?? 0);
    player.alive = now < LONGEST && !this.over;
    this.tell(failure ? `line ${failure.line}: ${failure.what}` : "");
    this.reached = goal;
    this.goal();
    this.aim();
    put(this.deeds.invite, { class: run.faults.length ? "invite done" : "invite" });
  }

  // The election after the last deed is shown slowly enough to follow it.
  aim() {
    if (this.slow === null) return;
    const election = run.elections.find((one) => one.t1 >= this.slow);
    if (!election || (election.t2 === null && this.known < election.t1 + AIM)) return;
    player.speed = player.usual(this.slow);
    this.slow = null;
    player.draw();
  }

  watch() {
    if (!this.run || this.turning || this.asking || server.gone) return;
    const { run: number } = this.run, t = player.t, waits = this.slow !== null && run.elections.some((one) => one.t1 >= this.slow);
    this.seen.set(number, Math.max(this.seen.get(number) ?? 0, t));
    // What nobody has seen yet is not shown: it would give away what comes.
    const unseen = t >= this.seen.get(number);
    player.diagram.place = unseen ? 0.8 : 0.5;
    document.body.classList.toggle("frontier", unseen);
    const ahead = AHEAD + (player.playing ? AHEAD_MS * 1000 * player.rate() : 0);
    // The goal is judged by what has been seen.
    const stale = this.task && this.judged !== this.seen.get(number);
    if (this.over && !stale) return;
    if (waits) this.more(this.known + AIM / 5);
    else if (this.known < t + ahead * 0.6 && this.known < LONGEST) this.more(t + ahead);
    else if (stale) this.more(this.known);
  }

  // Deeds at the moment that is shown. What was seen beyond it is kept as a branch.
  async act(deeds) {
    const at = Math.max(Math.round(player.t), this.run.gathered);
    let now = this.run, keep = at < (this.seen.get(now.run) ?? 0);
    player.pause();
    this.turning = true;
    for (const deed of deeds) {
      const done = await this.ask({ ask: "do", run: now.run, at, deed, keep });
      if (!done) break;
      now = done;
      keep = false;
    }
    if (now === this.run) this.turning = false; else this.changed(now, at, !byId("stay").checked);
  }

  async undo() {
    this.turning = true;
    const now = await this.ask({ ask: "undo", run: this.run.run });
    if (now) this.changed(now, Math.max(now.gathered, Math.round(player.t)), false); else this.turning = false;
  }

  async edit(script, t) {
    this.turning = true;
    const now = await this.ask({ ask: "edit", run: this.run.run, script });
    if (now) this.changed(now, t ?? now.gathered + CALM, false); else this.turning = false;
    return now;
  }

  // Another run is shown; which others there still are, the laboratory knows.
  async changed(now, t, plays) {
    const there = await this.ask({ ask: "hello" });
    const runs = there?.runs ?? [now], gone = this.runs.filter((one) => one.run !== this.run.run && !runs.some(({ run }) => run === one.run));
    this.note = gone.length ? `No more than ${runs.length} runs are kept: ${gone.map((one) => `“${this.label(one)}”`).join(", ")} is gone.` : "";
    this.runs = runs;
    this.seen.delete(now.run);
    await this.open(now, t, plays);
  }

  // How a script names somebody: by name if the script gives names, else by place.
  target(name) {
    const { members, script } = this.run, member = members.find((one) => one.name === name);
    return !member || new RegExp(`^\\s*name ${member.place} `, "m").test(script) ? name : String(member.place);
  }

  freePlace() { return Math.max(0, ...this.run.members.map((member) => member.place)) + 1; }

  // Tabs, task and knobs of the run that is shown.
  head() {
    const tabs = this.runs.map((one) => {
      const shown = one.run === this.run.run, tab = html("button", { type: "button", role: "tab", "aria-selected": String(shown), tabindex: shown ? 0 : -1, text: this.label(one) });
      tab.addEventListener("click", () => { if (one.run !== this.run.run) this.open(one, this.places.get(one.run) ?? one.gathered + CALM); });
      if (this.runs.length < 2) return [tab];
      const words = `close the run “${this.label(one)}”`, close = html("button", { type: "button", class: "close", "aria-label": words, title: words, text: "✕" });
      close.addEventListener("click", () => this.close(one));
      return [tab, close];
    });
    byId("branches").replaceChildren(...tabs.flat());
    this.inView();
    const hint = byId("hint"), task = this.exercises.find((one) => one.n === this.run.exercise);
    byId("task").hidden = !task;
    put(byId("task-title"), { text: task ? `${task.n} ${task.title}` : "" });
    put(byId("task-text"), { text: task?.task ?? "" });
    put(hint, { "aria-expanded": "false" });
    this.task = task;
    this.guesses();
    this.goal();
    for (const name of Object.keys(TIMES)) this.turn(name, TIMES[name]);
  }

  inView() {
    const tab = byId("branches").querySelector("[aria-selected=true]");
    for (const one of [tab?.nextElementSibling, tab]) one?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // Runs whose labels are alike are numbered.
  label(one) {
    const short = ({ label }) => (label || "the room").replace(/\d+\.\d+(?=s\b)/g, (s) => String(Number(Number(s).toFixed(3))));
    const alike = this.runs.filter((other) => short(other) === short(one)), i = alike.indexOf(one);
    return i > 0 ? `${short(one)} (${i + 1})` : short(one);
  }

  async close(one) {
    const there = await this.ask({ ask: "close", run: one.run });
    if (!there?.runs.length) return;
    if (one.run === this.run.run) { this.begin({ runs: there.runs, current: there.runs.at(-1).run }); return; }
    this.runs = there.runs;
    this.head();
  }

  goal() {
    const goal = this.reached, hinted = byId("hint").getAttribute("aria-expanded") === "true";
    put(byId("task"), { class: goal?.done ? "done" : "" });
    put(byId("goal"), { text: goal ? (goal.done ? `✓ ${goal.words}` : goal.words) : "" });
    const more = !this.task ? "" : goal?.done ? this.task.teaches : hinted ? this.task.hint : "";
    put(byId("task-more"), { text: more });
    byId("task-more").hidden = !more;
    byId("hint").hidden = Boolean(goal?.done);
  }

  // The first exercise begins with a guess.
  guesses() {
    const box = byId("guess");
    box.hidden = this.task?.n !== 1;
    if (box.hidden) return;
    box.replaceChildren(...this.run.members.map(({ name }) => {
      const button = html("button", { type: "button", "aria-pressed": String(this.run.guess === name), text: name });
      button.addEventListener("click", async () => {
        if (!(await this.ask({ ask: "guess", run: this.run.run, who: name }))) return;
        this.run.guess = name;
        for (const other of box.children) put(other, { "aria-pressed": String(other === button) });
        this.more(this.known);
      });
      return button;
    }));
  }

  dialogs() {
    const on = (id, deed) => byId(id).addEventListener("click", deed);
    const choice = (title, task, request) => {
      const button = html("button", { type: "button" }, html("b", { text: title }), html("span", { text: task }));
      button.addEventListener("click", async () => {
        byId("choice").close();
        const now = await this.ask(request);
        if (now) this.changed(now, now.gathered + CALM, false);
      });
      return html("li", {}, button);
    };
    byId("list").replaceChildren(...this.exercises.map(({ n, title, task }) => choice(title, task, { ask: "exercise", n })), choice("A room without a task", "Six members, and whatever you like.", { ask: "start", script: ROOM }));
    on("exercises", () => byId("choice").showModal());
    on("script", () => this.paper(this.run.script));
    on("hint", () => { const hint = byId("hint"); put(hint, { "aria-expanded": String(hint.getAttribute("aria-expanded") !== "true") }); this.goal(); });
    on("apply", async () => {
      const now = await this.edit(byId("text").value);
      put(byId("wrong"), { text: now ? "" : byId("trouble").textContent });
      if (now) byId("paper").close();
    });
    on("copy", () => navigator.clipboard?.writeText(byId("text").value).then(() => put(byId("wrong"), { text: "copied" })));
    on("download", () => player.give("scenario.txt", byId("text").value, "text/plain"));
    byId("branches").addEventListener("keydown", (key) => go(key, byId("branches").querySelectorAll("[role=tab]"), "ArrowLeft", "ArrowRight"));
    addEventListener("resize", () => this.inView());
    addEventListener("dragover", (drag) => drag.preventDefault());
    addEventListener("drop", async (drop) => {
      drop.preventDefault();
      const file = drop.dataTransfer?.files[0];
      if (file && file.size < 60_000) this.paper(await file.text());
    });
  }

  paper(text) {
    byId("text").value = text;
    put(byId("wrong"), { text: "" });
    if (!byId("paper").open) byId("paper").showModal();
  }

  // A time in the head of the script, as a slider.
  knob(name, list) {
    const slider = byId(name);
    slider.max = String(list.length - 1);
    // Only arrows turn it; all other keys mean what they mean everywhere.
    slider.addEventListener("keydown", (key) => { if (key.key.startsWith("Arrow")) key.stopPropagation(); });
    slider.addEventListener("input", () => this.say(name, list[slider.value]));
    slider.addEventListener("change", () => this.edit(this.withTime(name, list[slider.value]), Math.round(player.t)));
  }

  say(name, ms) {
    const text = ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
    put(byId(`${name}-is`), { text });
    put(byId(name), { "aria-valuetext": text });
  }

  turn(name, list) {
    const word = this.firstLine().match(new RegExp(`\\b${name} (\\S+)`))?.[1];
    const ms = word ? Number.parseFloat(word) * (word.endsWith("ms") ? 1 : 1000) : USUAL[name];
    byId(name).value = String(list.reduce((best, one, i) => (Math.abs(one - ms) < Math.abs(list[best] - ms) ? i : best), 0));
    this.say(name, ms);
  }

  firstLine() { return this.run.script.split("\n").find((line) => /^\s*(nodes|ring)\b/.test(line)) ?? ""; }

  withTime(name, ms) {
    const line = this.firstLine(), has = new RegExp(`\\b${name} \\S+`);
    return this.run.script.replace(line, has.test(line) ? line.replace(has, `${name} ${ms}ms`) : `${line.trimEnd()} ${name} ${ms}ms`);
  }
}
