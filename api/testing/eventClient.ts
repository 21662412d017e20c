/** A client of server-sent events, as strict as the standard. For tests only. */
import { setTimeout as sleep } from "node:timers/promises";

export interface ReceivedEvent {
  readonly type: string;
  /** The id that the client would resume after this event with. */
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  readonly data: any;
}

/** Reads a stream's text piece by piece. */
export class EventParser {
  readonly events: ReceivedEvent[] = [];
  readonly comments: string[] = [];
  lastEventId = "";
  retryMs: number | null = null;
  #rest = "";
  #type = "";
  #data: string[] = [];

  take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === "") {
      this.#dispatch();
      return;
    }
    const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === "") this.comments.push(value);
    else if (field === "event") this.#type = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id") this.lastEventId = value;
    else if (field === "retry") this.retryMs = Number(value);
    else throw new Error(`"${line}" is no line of an event stream`);
  }

  #dispatch(): void {
    if (this.#data.length > 0) {
      const data = JSON.parse(this.#data.join("\n"));
      this.events.push({ type: this.#type || "message", id: this.lastEventId, data });
    }
    this.#type = "";
    this.#data = [];
  }
}

/** Listens to a response until it is closed. */
export class EventClient {
  readonly parser = new EventParser();
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #reading: Promise<void>;
  ended = false;

  constructor(readonly response: Response) {
    if (response.body === null) throw new Error("the response has no body");
    this.#reader = response.body.getReader();
    this.#reading = this.#read();
  }

  get events(): readonly ReceivedEvent[] {
    return this.parser.events;
  }

  /** The id to resume with. */
  get lastEventId(): string {
    return this.parser.lastEventId;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) break;
      this.parser.take(decoder.decode(value, { stream: true }));
    }
    this.ended = true;
  }

  /** Waits until something holds. */
  async until(holds: () => boolean, withinMs = 10_000): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!holds()) {
      if (performance.now() > deadline)
        throw new Error(
          `not within ${withinMs} ms; received ${this.events.length}: ${this.events.map(({ type, id }) => `${type} ${id}`).join(", ")}`,
        );
      await sleep(5);
    }
  }

  /** Waits until at least `count` events were received. */
  async received(count: number, withinMs?: number): Promise<readonly ReceivedEvent[]> {
    await this.until(() => this.events.length >= count, withinMs);
    return [...this.events];
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
    await this.#reading;
  }
}
