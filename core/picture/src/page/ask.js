// The server behind the page: a question, an answer.

const AGAIN_MS = 2000;

class Server {
  constructor() {
    // The key stands behind the #, which no server sees. It is taken out, so that it is in no link that is copied.
    const asked = new URLSearchParams(location.hash.slice(1)), key = asked.get("k");
    this.moment = Math.round(Number.parseFloat(asked.get("t") ?? "") * 1e6);
    if (key !== null) {
      sessionStorage.setItem("ringchat-key", key);
      asked.delete("k");
      history.replaceState(null, "", `#${asked}`);
    }
    byId("again").addEventListener("click", () => this.again());
  }

  // The answer. What the server refuses is thrown; if it is gone, that is said, and `back` is called when it is there again.
  async ask(request) {
    let answer, why = "";
    try {
      const headers = { "Content-Type": "application/json", "X-Ringchat-Key": sessionStorage.getItem("ringchat-key") ?? "" };
      const got = await fetch("/ask", { method: "POST", headers, body: JSON.stringify(request) });
      if (got.ok) answer = await got.json();
      else why = got.status === 403 ? "This page has no key for the ringchat that runs now. Open the address that it printed." : `ringchat answers with ${got.status}.`;
    } catch {
      why = "ringchat is gone: has its program ended? What was shown stays.";
    }
    this.say(why);
    if (why) throw new Error(why);
    if (answer.error) throw new Error(answer.error.message);
    return answer;
  }

  say(why) {
    byId("gone").hidden = !why;
    put(byId("gone-why"), { text: why });
    clearTimeout(this.waiting);
    if (why) this.waiting = setTimeout(() => this.again(), AGAIN_MS);
  }

  // Nothing else is asked while the server is gone.
  async again() {
    try {
      const hello = await this.ask({ ask: "hello" });
      this.back?.(hello);
    } catch { /* It is said already. */ }
  }

  get gone() { return !byId("gone").hidden; }
}

const server = new Server();
