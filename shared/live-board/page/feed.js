// Reads the document again and again, and knows how old it is.

/** After this time, data counts as old. */
export const OLD = 15000;
const PAUSE = 2000;
const PATIENCE = 10000;

export class Feed {
  /** `changed` is called with a new document, `answered` after every request. */
  constructor(changed, answered) {
    Object.assign(this, { changed, answered, board: null, problem: null, isConnected: true, lostAt: 0 });
    Object.assign(this, { lastNow: Date.now(), isMoved: false });
    Object.assign(this, { etag: null, age: 0, at: performance.now(), ahead: 0, timer: 0, isReading: false });
    document.addEventListener("visibilitychange", () => this.visible());
    this.read();
  }

  /** Nobody sees a hidden page, so it asks for nothing. */
  visible() {
    clearTimeout(this.timer);
    if (!document.hidden && !this.isReading) this.read();
  }

  async read() {
    this.isReading = true;
    try {
      const headers = this.etag ? { "if-none-match": this.etag } : {};
      const reply = await fetch("board.json", { headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      await this.received(reply);
      this.isConnected = true;
      this.isMoved = false;
    } catch (error) {
      if (this.isConnected) this.lostAt = Date.now();
      // The command runs again, with another key in its address.
      this.isMoved = error.status === 404;
      this.isConnected = false;
    }
    this.isReading = false;
    this.answered();
    clearTimeout(this.timer);
    if (!document.hidden) this.timer = setTimeout(() => this.read(), PAUSE);
  }

  async received(reply) {
    if (reply.status === 503) {
      this.problem = (await reply.json()).problem ?? { code: "unavailable" };
      return;
    }
    if (reply.status !== 200 && reply.status !== 304) throw Object.assign(new Error(), { status: reply.status });
    const board = reply.status === 200 ? await reply.json() : null;
    this.age = Number(reply.headers.get("age") ?? 0) * 1000;
    this.at = performance.now();
    // The computer that serves the page may have another time than the one that shows it.
    const ahead = Date.parse(reply.headers.get("date") ?? "") + 500 - Date.now();
    this.ahead = Math.abs(ahead) > 2000 ? ahead : 0;
    if (!board) {
      // What is shown is the content of this answer, with its problem.
      this.problem = this.board.problem ?? null;
      return;
    }
    this.etag = reply.headers.get("etag");
    this.board = board;
    this.problem = board.problem ?? null;
    this.changed(board);
  }

  /** Whether what is shown may be wrong by now. */
  isOld() {
    return !this.isConnected || this.problem !== null || this.milliseconds() > OLD;
  }

  /** The time at the server, in milliseconds since 1970. It stands still while the data is old. */
  now() {
    if (!this.isOld()) this.lastNow = Date.now() + this.ahead;
    return this.lastNow;
  }

  /** Milliseconds since the reading that the document comes from. */
  milliseconds() {
    return this.age + performance.now() - this.at;
  }
}
