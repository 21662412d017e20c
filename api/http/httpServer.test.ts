import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { createLog } from "../../config/log.ts";
import { createHttpServer, type HttpServer, type ServerOptions } from "./httpServer.ts";
import { StoppableLifetime } from "./lifetime.ts";
import { listen } from "./listen.ts";
import { MAX_PIPELINED } from "./pipelining.ts";

const running: HttpServer[] = [];
afterEach(async () => {
  for (const { server, stop } of running.splice(0)) {
    server.closeAllConnections();
    await stop();
  }
});

async function start(fetch: ServerOptions["fetch"], options: Partial<ServerOptions> = {}) {
  const lifetime = new StoppableLifetime();
  const lines: string[] = [];
  const log = createLog({ LOG_LEVEL: "warn", LOG_FORMAT: "json" }, "api", (line) => lines.push(line));
  const http = createHttpServer({
    fetch,
    lifetime,
    log,
    newRequestId: () => "request-1",
    graceMs: 5_000,
    ...options,
  });
  running.push(http);
  const port = await listen(http.server, 0);
  return { ...http, port, lifetime, lines, url: `http://127.0.0.1:${port}` };
}

/** What the server says to these bytes until it closes the connection, or until `enough` has been said. */
async function say(port: number, text: string, enough = (_: string) => false): Promise<string> {
  const socket = net.connect(port, "127.0.0.1");
  let heard = "";
  socket.setEncoding("utf8");
  socket.on("error", () => {});
  const done = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    socket.on("data", (chunk) => {
      heard += chunk;
      if (enough(heard)) resolve();
    });
  });
  socket.write(text);
  await done;
  socket.destroy();
  return heard;
}

/** A promise that others open. */
function gate() {
  let resolve = () => {};
  const promise = new Promise<void>((open) => {
    resolve = open;
  });
  return { promise, resolve };
}

const hello = () => new Response("hello");

test.each([
  ["no HTTP at all", "tell me everything\r\n\r\n", 400, "malformed-request"],
  ["a host that is none", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "malformed-request"],
  ["headers without end", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(40_000)}`, 431, "headers-too-large"],
])("%s gets a problem document", async (_, text, status, code) => {
  const { port } = await start(hello);
  const answer = await say(port, text, (heard) => heard.endsWith("}"));
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head.toLowerCase()).toContain("content-type: application/problem+json");
  expect(JSON.parse(body)).toMatchObject({ code, status, requestId: "request-1" });
});

test("a client that sends its headers too slowly gets a 408 and is disconnected", async () => {
  const { port } = await start(hello, { headersTimeoutMs: 100 });
  const answer = await say(port, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ");
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
  expect(answer).toContain('"code":"request-timeout"');
});

test("garbage behind a request does not get into its response", async () => {
  const { port } = await start(async () => {
    await sleep(100);
    return hello();
  });
  expect(await say(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n")).not.toContain("malformed");
});

test("the body of a GET is ignored, and the connection serves the next one", async () => {
  const { port } = await start(hello);
  const request = `GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${"x".repeat(200_000)}`;
  const answer = await say(port, request + request, (heard) => heard.split("hello").length === 3);
  expect(answer.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2);
});

test("a failure below the application leaks no detail", async () => {
  const { url, lines } = await start(() => Promise.reject(new Error("a secret")));
  const response = await fetch(url);
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("secret");
  expect(lines.join()).toContain("a secret");
});

test("a client that reads nothing is disconnected, and its response is cancelled", async () => {
  const cancelled = gate();
  const { port } = await start(
    () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)),
          cancel: () => cancelled.resolve(),
        }),
      ),
    { idleTimeoutMs: 200 },
  );
  const socket = net.connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await cancelled.promise;
  socket.destroy();
});

test("a client that reads too slowly is disconnected, even if it never stops reading", async () => {
  const cancelled = gate();
  const { port } = await start(
    () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)),
          cancel: () => cancelled.resolve(),
        }),
      ),
    { minThroughput: { windowMs: 300, minBytes: 1 << 30 } },
  );
  const socket = net.connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  socket.on("data", () => {
    socket.pause();
    setTimeout(() => socket.resume(), 20);
  });
  await cancelled.promise;
  socket.destroy();
});

test("a client that waits for its response is not slow", async () => {
  const { port } = await start(
    async () => {
      await sleep(300);
      return hello();
    },
    { minThroughput: { windowMs: 20, minBytes: 1 << 30 } },
  );
  const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const answers = await say(port, request + request, (heard) => heard.split("hello").length === 3);
  expect(answers.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2);
});

test("pipelined requests are answered one at a time, and cancelled with the connection", async () => {
  const asked: string[] = [];
  const [begun, cancelled] = [gate(), gate()];
  const { port, server } = await start((request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    if (pathname !== "/endless") return hello();
    return new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode("first"));
          begun.resolve();
        },
        cancel: () => cancelled.resolve(),
      }),
    );
  });
  const requests = ["/a", "/b", "/endless", "/never", "/never"];
  const socket = net.connect(port, "127.0.0.1");
  let closed = 0;
  server.on("request", (_, response) => response.once("close", () => void closed++));
  socket.write(requests.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(""));
  await begun.promise;
  await once(socket, "data");
  socket.destroy();
  await cancelled.promise;
  expect(asked).toEqual(["/a", "/b", "/endless"]);
  await vi.waitFor(() => expect(closed).toBe(requests.length));
});

test("a connection with too many pipelined requests is closed", async () => {
  let asked = 0;
  const { port } = await start(() => {
    asked++;
    return new Promise<Response>(() => {});
  });
  expect(await say(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(MAX_PIPELINED + 2))).toBe("");
  expect(asked).toBe(1);
});

test("other connections are served between one connection's pipelined requests", async () => {
  const asked: string[] = [];
  const { port } = await start((request) => {
    asked.push(new URL(request.url).pathname);
    return hello();
  });
  const idle = net.connect(port, "127.0.0.1");
  await once(idle, "connect");
  const many = say(
    port,
    "GET /many HTTP/1.1\r\nHost: a\r\n\r\n".repeat(MAX_PIPELINED),
    (heard) => heard.split("hello").length > MAX_PIPELINED,
  );
  idle.write("GET /one HTTP/1.1\r\nHost: a\r\n\r\n");
  await many;
  idle.destroy();
  expect(asked.indexOf("/one")).toBeGreaterThanOrEqual(0);
  expect(asked.indexOf("/one")).toBeLessThan(MAX_PIPELINED / 2);
});

test("on stop, new connections are refused, idle ones closed, and requests in flight finish", async () => {
  const begun = gate();
  const finish = gate();
  const { port, url, stop, lifetime } = await start(async () => {
    begun.resolve();
    await finish.promise;
    return hello();
  });
  const idle = net.connect(port, "127.0.0.1");
  await once(idle, "connect");
  const answer = fetch(url);
  await begun.promise;
  const stopped = stop();
  expect(lifetime.stopping.aborted).toBe(true);
  await expect(fetch(url)).rejects.toThrow();
  finish.resolve();
  expect(await (await answer).text()).toBe("hello");
  await stopped;
  expect(lifetime.timeUp.aborted).toBe(false);
  idle.destroy();
});

test("a response that outlasts the grace period is signalled, and may end with a last message", async () => {
  let lifetime: StoppableLifetime | undefined;
  const endless = () =>
    new Response(
      new ReadableStream({
        async pull(controller) {
          await sleep(20);
          controller.enqueue(new TextEncoder().encode(lifetime?.timeUp.aborted ? "the end" : "and so on\n"));
          if (lifetime?.timeUp.aborted) controller.close();
        },
      }),
    );
  const server = await start(endless, { graceMs: 100 });
  lifetime = server.lifetime;
  const response = await fetch(server.url);
  const text = response.text();
  await server.stop();
  expect(await text).toMatch(/the end$/);
});

test("a response that ignores the signal is cut off", async () => {
  const { url, stop } = await start(() => new Response(new ReadableStream({ pull: () => sleep(60_000) })), {
    graceMs: 50,
  });
  const text = (await fetch(url)).text();
  const cut = expect(text).rejects.toThrow();
  await stop();
  await cut;
});
