// Keeps the state fed: connects, resumes, backs off, pauses.
import { EventParser, type Message } from "./events";
import { told } from "./state";
import type { Store } from "./store";

/** Nothing for so long, not even a comment, and the connection counts as dead. */
const deadAfter = 35_000;
/** What bye says when one has to sign in again. */
const forGood: ReadonlySet<string> = new Set(["session_ended", "token_expired", "token_revoked", "unauthenticated"]);
const firstWait = 500;
const longestWait = 30_000;

/** How long before the next try, in milliseconds: doubling, half of it by chance. */
export function backOff(failures: number, chance: number): number {
  const whole = Math.min(longestWait, firstWait * 2 ** Math.min(failures, 16));
  return whole / 2 + (whole / 2) * chance;
}

export class Stream {
  private failures = 0;
  private connection: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly store: Store) {}

  start(): void {
    this.stop();
    const connection = new AbortController();
    this.connection = connection;
    this.store.patch({ link: "connecting" });
    void this.run(connection);
  }

  /** Stops for the reader, who sees what was there. */
  pause(): void {
    this.stop();
    this.store.patch({ link: "paused" });
  }

  stop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.watch);
    this.connection?.abort();
    this.connection = null;
  }

  private async run(connection: AbortController): Promise<void> {
    try {
      await this.read(connection);
    } catch {
      // Whatever ended it, the state says since when nothing was heard.
    }
    if (connection !== this.connection) return;
    clearTimeout(this.watch);
    if (this.store.state.link === "ended") return;
    this.store.patch({ link: "waiting" });
    this.timer = setTimeout(() => this.start(), backOff(this.failures++, Math.random()));
  }

  private async read(connection: AbortController): Promise<void> {
    this.expect(connection);
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (this.store.state.lastEvent !== "") headers["Last-Event-ID"] = this.store.state.lastEvent;
    const answer = await fetch("/api/v1/stream", { headers, signal: connection.signal, cache: "no-store" });
    if (answer.status === 401) {
      this.store.patch({ link: "ended", session: null });
      return;
    }
    if (!answer.ok || answer.body === null) return;
    const parser = new EventParser((message) => this.take(message));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let bit = await reader.read(); !bit.done; bit = await reader.read()) {
      this.expect(connection);
      parser.push(bit.value);
      if (connection === this.connection) this.store.patch({ heard: Date.now() });
    }
  }

  // A laptop that slept keeps a connection that nobody answers on.
  private expect(connection: AbortController): void {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => connection.abort(), deadAfter);
  }

  private take(message: Message): void {
    let body: unknown;
    try {
      body = JSON.parse(message.data);
    } catch {
      return;
    }
    if (message.event === "hello") {
      this.failures = 0;
      this.store.patch({ link: "live" });
    }
    if (message.event === "bye") {
      const { code } = body as { code: string };
      // A router that stops says bye as well; only the end of the session is for good.
      if (forGood.has(code)) this.store.patch({ link: "ended", session: null });
      return;
    }
    this.store.set(told(this.store.state, message.event, body, Date.now(), message.id));
  }
}
