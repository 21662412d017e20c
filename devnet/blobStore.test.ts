import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BlobFiles, type BlobStore, blobId, serveBlobs } from "./blobStore.ts";

const directory = mkdtempSync(join(tmpdir(), "blobs-test-"));
let store: BlobStore;

beforeAll(async () => {
  store = await serveBlobs(new BlobFiles(directory), 0);
});
afterAll(async () => {
  await store.stop();
  rmSync(directory, { recursive: true, force: true });
});

it("gives back what was put, under an id of 43 base64url characters", async () => {
  const content = Buffer.from([0, 255, 10, 13, 0]);
  const put = await fetch(`${store.url}/v1/blobs?epochs=5`, { method: "PUT", body: content });
  const id = blobId(content);
  expect(await put.json()).toMatchObject({ newlyCreated: { blobObject: { blobId: id } } });
  expect(id).toMatch(/^[A-Za-z0-9_-]{43}$/);
  const got = await fetch(`${store.url}/v1/blobs/${id}`);
  expect(Buffer.from(await got.arrayBuffer())).toEqual(content);
});

it("knows no blob that was not put, and no path out of its folder", async () => {
  for (const id of ["a".repeat(43), "..%2f..%2fetc%2fpasswd", "", "x"])
    expect((await fetch(`${store.url}/v1/blobs/${id}`)).status).toBe(404);
});
