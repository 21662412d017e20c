import http from "node:http";
import type { AddressInfo } from "node:net";
import net from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type GetLimits, HttpGet } from "./httpGet.ts";
import { publicLookup } from "./lookup.ts";
import { LargeBlobSlots, MemoryHold } from "./memoryHold.ts";

const LIMITS: GetLimits = { maxBytes: 4 * 1024 * 1024, connectMs: 500, stallMs: 300, totalMs: 2_000 };
const never = new AbortController().signal;
const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

async function serve(handler: http.RequestListener): Promise<URL> {
  const server = http.createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/blobs/x`); // it listens on TCP
}

function client(options: Partial<ConstructorParameters<typeof HttpGet>[0]> = {}): HttpGet {
  const client = new HttpGet({ allowPrivate: true, ...options });
  cleanUps.push(() => client.close());
  return client;
}

const hold = () => new MemoryHold(new LargeBlobSlots(1));
const get = (url: URL, from = client(), limits = LIMITS) => from.get(url, limits, hold(), never);

test("a body arrives whole, chunked or not, and connections are reused", async () => {
  const sockets = new Set<unknown>();
  const url = await serve((request, response) => {
    sockets.add(request.socket);
    response.write("one ");
    response.end("blob");
  });
  const from = client();
  for (let time = 0; time < 3; time++) {
    const outcome = await get(url, from);
    expect(outcome.kind === "found" && Buffer.from(outcome.bytes).toString()).toBe("one blob");
  }
  expect(sockets.size).toBe(1);
});

test("absent, ill and slow servers are told apart, and refusals keep the connection", async () => {
  const sockets = new Set<unknown>();
  let status = 404;
  const url = await serve((request, response) => {
    sockets.add(request.socket);
    response.writeHead(status).end("no");
  });
  const from = client();
  expect(await get(url, from)).toMatchObject({ kind: "absent" });
  status = 503;
  expect(await get(url, from)).toMatchObject({ kind: "failed", reason: "server-error" });
  status = 429;
  expect(await get(url, from)).toMatchObject({ kind: "failed", reason: "server-error" });
  expect(sockets.size).toBe(1);
  const mute = await serve(() => {});
  expect(await get(mute)).toMatchObject({ kind: "failed", reason: "no-answer" });
  expect(await get(new URL("http://127.0.0.1:1/"))).toMatchObject({ kind: "failed", reason: "unreachable" });
});

test("a body beyond the limit is refused by its declared length, and cut off without one", async () => {
  let sent = 0;
  const declared = await serve((_, response) => {
    response.writeHead(200, { "content-length": 10 * 1024 * 1024 });
    response.write("x");
  });
  expect(await get(declared)).toMatchObject({ kind: "too-large" });
  const endless = await serve((_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
    };
    response.on("drain", more);
    more();
  });
  expect(await get(endless)).toMatchObject({ kind: "too-large" });
  const after = sent;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(sent - after).toBeLessThan(1024 * 1024);
});

test("a body that stops is given up after the stall, one that drips at the deadline", async () => {
  const stopping = await serve((_, response) => {
    response.write("x");
  });
  const began = performance.now();
  expect(await get(stopping)).toMatchObject({ kind: "failed", reason: "slow-body" });
  expect(performance.now() - began).toBeLessThan(1_000);
  const dripping = await serve((_, response) => {
    const timer = setInterval(() => response.write("x"), 50);
    response.on("close", () => clearInterval(timer));
  });
  const limits = { ...LIMITS, totalMs: 700 };
  expect(await get(dripping, client(), limits)).toMatchObject({ kind: "failed", reason: "slow-body" });
});

test("a body shorter than declared, or encoded, is no blob", async () => {
  const short = await serve((_, response) => {
    response.writeHead(200, { "content-length": 100 });
    response.write("x");
    setTimeout(() => response.destroy(), 20);
  });
  expect(await get(short)).toMatchObject({ kind: "failed", reason: "broken-body" });
  const encoded = await serve((_, response) => {
    response.writeHead(200, { "content-encoding": "gzip" }).end("bomb");
  });
  expect(await get(encoded)).toMatchObject({ kind: "failed", reason: "broken-body" });
});

test("redirects are followed within the host and nowhere else, and not for ever", async () => {
  let elsewhere = 0;
  const other = await serve((_, response) => {
    elsewhere++;
    response.end("secret");
  });
  const url = await serve((request, response) => {
    if (request.url === "/v1/blobs/x") response.writeHead(307, { location: "/moved" }).end();
    else if (request.url === "/moved") response.end("here");
    else if (request.url === "/loop") response.writeHead(302, { location: "/loop" }).end();
    else response.writeHead(302, { location: other.href }).end();
  });
  expect(await get(url)).toMatchObject({ kind: "found" });
  for (const path of ["/loop", "/away"])
    expect(await get(new URL(path, url))).toMatchObject({ kind: "failed", reason: "redirect-refused" });
  expect(elsewhere).toBe(0);
});

test("no redirect leads to another port, scheme, or with a password", async () => {
  let elsewhere = 0;
  const other = await serve((_, response) => {
    elsewhere++;
    response.end("secret");
  });
  let location = "";
  const url = await serve((request, response) => {
    if (request.url === "/v1/blobs/x") response.writeHead(308, { location }).end();
    else response.end("here");
  });
  const refused = [
    other.href,
    `//127.0.0.1:${other.port}/`,
    `https://127.0.0.1:${other.port}/`,
    `http://user:password@${url.host}/y`,
    "file:///etc/passwd",
    "data:,x",
    "http://",
    "",
    `http://127.0.0.1:${other.port}\\@${url.host}/`,
  ];
  for (location of refused) {
    const outcome = await get(url);
    // nobody speaks TLS there
    expect(outcome, location).toMatchObject({
      kind: "failed",
      reason: location.startsWith("https:") ? "unreachable" : "redirect-refused",
    });
  }
  expect(elsewhere).toBe(0);
  location = `//${url.host}/y`;
  expect(await get(url)).toMatchObject({ kind: "found" });
});

/** A server that answers with bytes as they are. */
async function answerRaw(...answers: readonly string[]): Promise<URL> {
  let asked = 0;
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.write(answers[Math.min(asked++, answers.length - 1)] ?? ""));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/blobs/x`); // it listens on TCP
}

test("no answer is made of what a server sends beside it", async () => {
  const from = client();
  const forged = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged";
  const twice = await answerRaw(`HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nblob${forged}`);
  for (let time = 0; time < 3; time++) {
    const outcome = await get(twice, from);
    // the first answer, or none: never the second one
    if (outcome.kind === "found") expect(Buffer.from(outcome.bytes).toString()).toBe("blob");
    else expect(outcome).toMatchObject({ kind: "failed" });
  }
  for (const [answer, reason] of [
    ["SSH-2.0-OpenSSH_9.2\r\n", "unreachable"],
    [`HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}\r\n\r\n`, "unreachable"],
    ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "broken-body"],
    ["HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nblob", "unreachable"],
    ["HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "unreachable"],
    ["HTTP/1.1 206 Partial Content\r\ncontent-length: 4\r\n\r\nblob", "server-error"],
    ["HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 4\r\n\r\nblob", "broken-body"],
  ] as const)
    expect(await get(await answerRaw(answer)), answer.slice(0, 60)).toMatchObject({ kind: "failed", reason });
});

test("interim answers without end are given up", async () => {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\n\r\n"), 20);
    socket.on("close", () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => server.close());
  const began = performance.now();
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`); // it listens on TCP
  expect(await get(url)).toMatchObject({ kind: "failed", reason: "no-answer" });
  expect(performance.now() - began).toBeLessThan(LIMITS.totalMs + 500);
});

describe("without permission for private addresses", () => {
  const publicOnly = (addresses: readonly string[]) =>
    client({
      allowPrivate: false,
      lookup: publicLookup((_host, answer) =>
        answer(
          null,
          addresses.map((address) => ({ address, family: net.isIPv6(address) ? 6 : 4 })),
        ),
      ),
    });

  test("a literal private address, however it is written, is not connected to", async () => {
    let asked = 0;
    const { port } = await serve(() => asked++);
    const from = client({ allowPrivate: false });
    for (const host of [
      "127.0.0.1",
      "2130706433",
      "0x7f.1",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "localhost",
      "0.0.0.0",
      "0",
      "0177.0.0.1",
      "017700000001",
      "127.0.0.1.",
      "[::]",
      "[::ffff:7f00:1]",
      "[0:0:0:0:0:ffff:127.0.0.1]",
      "[::127.0.0.1]",
      "①②⑦.0.0.1",
    ])
      expect(await get(new URL(`http://${host}:${port}/`), from)).toMatchObject({
        kind: "failed",
        reason: "private-address",
      });
    expect(asked).toBe(0);
  });

  test("a name that stands for one is refused, also among public ones", async () => {
    for (const addresses of [["10.0.0.8"], ["169.254.169.254"], ["8.8.8.8", "192.168.1.1"], ["fd00::1"]])
      expect(await get(new URL("http://blobs.example/"), publicOnly(addresses))).toMatchObject({
        kind: "failed",
        reason: "private-address",
      });
  });

  test("the connection goes to the address that was checked: a name is resolved once", async () => {
    const url = await serve((_, response) => response.end("x"));
    let asked = 0;
    const named = client({
      lookup: (_host, options, answer) => {
        asked++;
        // a second question would be answered with an address where nobody listens
        const address = asked === 1 ? "127.0.0.1" : "127.0.0.2";
        if (options.all === true) answer(null, [{ address, family: 4 }]);
        else answer(null, address, 4);
      },
    });
    expect(await get(new URL(`http://rebinding.example:${url.port}/`), named)).toMatchObject({
      kind: "found",
    });
    expect(asked).toBe(1);

    const checked = publicLookup((_host, answer) => answer(null, [{ address: "8.8.8.8", family: 4 }]));
    const answered = await new Promise((resolve) =>
      checked("blobs.example", { all: true }, (_error, addresses) => resolve(addresses)),
    );
    expect(answered).toEqual([{ address: "8.8.8.8", family: 4 }]);
  });
});

test("large blobs wait for a place, and the wait is not held against the server", async () => {
  const body = Buffer.alloc(2 * 1024 * 1024, "x");
  const url = await serve((_, response) => response.end(body));
  const slots = new LargeBlobSlots(1);
  const from = client();
  const first = new MemoryHold(slots);
  const second = new MemoryHold(slots);
  expect(await from.get(url, LIMITS, first, never)).toMatchObject({ kind: "found" });
  const waiting = from.get(url, LIMITS, second, never);
  await new Promise((resolve) => setTimeout(resolve, 2 * LIMITS.stallMs));
  first.release();
  expect(await waiting).toMatchObject({ kind: "found" });
  second.release();
  const third = new MemoryHold(slots);
  expect(await from.get(url, LIMITS, third, never)).toMatchObject({ kind: "found" });
});

test("a small blob never waits", async () => {
  const url = await serve((_, response) => response.end("small"));
  const slots = new LargeBlobSlots(0);
  expect(await client().get(url, LIMITS, new MemoryHold(slots), never)).toMatchObject({ kind: "found" });
});

test("what is called off ends at once", async () => {
  const mute = await serve(() => {});
  const stopping = new AbortController();
  const outcome = client().get(mute, LIMITS, hold(), stopping.signal);
  setTimeout(() => stopping.abort(), 20);
  const began = performance.now();
  expect(await outcome).toMatchObject({ kind: "failed" });
  expect(performance.now() - began).toBeLessThan(200);
});
