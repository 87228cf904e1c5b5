// A real room, as one member sees it: the newest moment, unless the user steps back.

const POLL_MS = 300;
// The moment shown is so much older than the newest one, in µs, so that it can go on without a stop.
const LAG = 400_000;

class Live {
  constructor(hello) {
    this.have = 0;
    this.following = true;
    this.until = null;
    player.diagram.place = 0.8;
    this.texts = this.letters = false;
    this.letterOf = new Map();
    player.alive = true;
    player.keys = { l: () => this.follow(), r: () => this.replay(), t: () => this.turn("texts"), n: () => this.turn("letters") };
    byId("watch").hidden = false;
    byId("live").addEventListener("click", () => this.follow());
    byId("replay").addEventListener("click", () => this.replay());
    byId("texts").addEventListener("click", () => this.turn("texts"));
    byId("names").addEventListener("click", () => this.turn("letters"));
    for (const [key, words] of [["l", "live: the newest moment"], ["r", "the last election again, slowly"], ["t", "texts shown, or hidden"], ["n", "names shown, or letters"]]) addKey(key, words);
    put(byId("title"), { text: `The room as ${hello.name} sees it` });
    server.back = () => this.poll();
    this.poll();
    setInterval(() => { if (!this.asking && !this.over && !server.gone) this.poll(); }, POLL_MS);
  }

  turn(what) {
    this[what] = !this[what];
    put(byId("texts"), { "aria-pressed": String(this.texts), text: this.texts ? "texts shown" : "texts hidden" });
    put(byId("names"), { "aria-pressed": String(this.letters), text: this.letters ? "names hidden" : "names shown" });
    this.have = 0;
    this.poll();
  }

  async poll() {
    this.asking = true;
    try {
      this.take(await server.ask({ ask: "more", have: this.have }));
    } catch { /* It is said already. */ } finally {
      this.asking = false;
    }
  }

  take({ version, now, part, over }) {
    const begins = this.have === 0 && run.events.length === 0;
    this.have = version;
    this.name(part);
    part.notes &&= part.notes.filter((note) => !note.startsWith("no trace"));
    if (Object.keys(part).length) append(this.masked(part));
    run.end = Math.max(now, run.times.at(-1) ?? 0);
    this.over = over;
    player.alive = !over;
    put(byId("over"), { text: over ? "This member has left: nothing more will come." : "" });
    if (begins) this.follow();
    this.look();
  }

  // Whether the newest moment is followed; if so, and it is far ahead, the page goes there.
  look() {
    if (this.until !== null && player.t >= this.until && !this.over) this.follow();
    const behind = run.end - player.t;
    byId("replay").hidden = run.elections.length === 0;
    this.following = player.playing && player.speed === SPEEDS.length - 1 && (this.following || behind < 2 * LAG);
    if (this.following && behind > 4 * LAG) player.seek(player.before(run.end - LAG), run.end - LAG);
    put(byId("live"), { "aria-pressed": String(this.following), text: this.following ? "live" : "back to live" });
  }

  // An election takes milliseconds: here it is played so that one can look at it, from what broke the ring on until all follow.
  replay() {
    const election = run.elections.at(-1), before = run.elections.at(-2)?.t1 ?? -1;
    if (!election) return;
    const fault = run.faults.findLast(({ kind, t }) => kind in BREAKS && t <= election.t1 && t > before);
    const e = fault?.e ?? election.first;
    player.speed = player.usual(election.t1);
    player.seek(e, run.times[e]);
    this.until = (election.followed ?? election.t2 ?? election.t1) + 2e6 * SPEEDS[player.speed];
    if (!player.playing) player.start();
    this.look();
  }

  follow() {
    this.following = true;
    this.until = null;
    player.speed = SPEEDS.length - 1;
    player.seek(player.before(run.end - LAG), Math.max(0, run.end - LAG));
    if (!player.playing && !this.over) player.start();
    this.look();
  }

  // Letters in the order of the first ring, from the name that sorts first on: on two pages of a room they are alike where they can be.
  name({ members, ring0, changes }) {
    if (!members) return;
    const ring = (ring0?.length ? ring0 : changes?.find((change) => change.ring?.length > 1)?.ring ?? []).map((m) => members[m]?.name).filter((name) => name !== undefined);
    const first = ring.indexOf([...ring].sort()[0]);
    for (const name of [...ring.slice(first), ...ring.slice(0, Math.max(0, first)), ...members.map((member) => member.name)]) {
      const i = this.letterOf.size;
      if (!this.letterOf.has(name)) this.letterOf.set(name, i < 26 ? String.fromCharCode(97 + i) : `m${i + 1}`);
    }
  }

  // A part without what is hidden: texts, which stand in quotes, and names.
  masked(part) {
    if (this.texts && !this.letters) return part;
    const letters = this.letterOf;
    // The longest first, since a name may be the beginning of another.
    const all = [...letters.keys()].sort((a, b) => b.length - a.length).map((name) => name.replace(/[\^$\\.*+?()[\]{}|/]/gu, "\\$&"));
    const names = new RegExp(`(?<![\\p{L}\\p{N}])(?:${all.join("|")})(?![\\p{L}\\p{N}])`, "gu");
    const mask = (text) => {
      const quiet = this.texts ? text : text.replace(/“.*”/su, "“…”");
      return this.letters ? quiet.replace(names, (name) => letters.get(name) ?? name) : quiet;
    };
    const walk = (value, key) => {
      if (key === "cells" && this.letters) return value.map((cell) => (cell.kind === "chat" ? { ...cell, label: "·" } : cell));
      if (typeof value === "string") return SHOWN.has(key) ? mask(value) : value;
      if (Array.isArray(value)) return value.map((item) => walk(item, key));
      if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item, name)]));
      return value;
    };
    return walk(part);
  }
}

// The fields that hold words.
const SHOWN = new Set(["title", "description", "notes", "name", "addr", "label", "words", "say", "why", "fields", "about"]);

async function serve() {
  let hello;
  const begin = (answer) => {
    hello = answer;
    document.body.dataset.kind = hello.kind;
    player.diagram.resize();
    window.ringchat.served = hello.kind === "lab" ? new Lab(hello) : new Live(hello);
  };
  server.back = begin;
  try { begin(await server.ask({ ask: "hello" })); } catch { /* It is said already. */ }
}

serve();
