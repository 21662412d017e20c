/** Renders GraphiQL's page, compressed, and exits: the memory that it took goes with the thread. */
import { parentPort, workerData } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { renderGraphiQL } from "@graphql-yoga/render-graphiql";

parentPort?.postMessage(new Uint8Array(gzipSync(renderGraphiQL(workerData))));
