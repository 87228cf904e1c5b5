// A run that grows, or takes another turn.

// Takes a part: lists are cut to so many first items as `from` says and grow, single values are replaced.
function append(part) {
  const from = part.from ?? {}, old = (name) => run[name][from[name] ?? Infinity], fresh = (name) => part[name]?.[0];
  const begins = (flight) => Math.min(flight?.s ?? Infinity, flight?.r ?? Infinity);
  // The first event after which the state may be another one.
  const event = "ring0" in part ? 0 : Math.min(run.events.length, from.events ?? Infinity, old("changes")?.e ?? Infinity, fresh("changes")?.e ?? Infinity,
    begins(old("flights")), begins(fresh("flights")));
  for (const [name, value] of Object.entries(part)) {
    if (LISTS.includes(name)) {
      if (name in from) run[name].length = Math.min(run[name].length, from[name]);
      for (const item of value) run[name].push(item);
    } else if (name === "logs") {
      for (const log of value) run.logs.set(log.m, (run.logs.get(log.m) ?? []).slice(0, log.from ?? Infinity).concat(log.cells));
    } else if (name !== "from") {
      run[name] = value;
    }
  }
  for (const m of run.logs.keys()) if (m >= run.members.length) run.logs.delete(m);
  run.index(event);
  reload();
}

// Draws anew what was drawn from the run.
function reload() {
  const { ring } = player;
  player.steps = player.steppable();
  ring.shape++;
  ring.parted = null;
  for (const token of ring.tokens.values()) token.remove();
  ring.tokens.clear();
  player.diagram.reload();
  player.tell.reload();
  player.track();
  player.e = Math.max(run.startE, run.times[player.e] <= player.t ? player.e : player.before(player.t));
  player.draw();
}

window.ringchat.append = append;
