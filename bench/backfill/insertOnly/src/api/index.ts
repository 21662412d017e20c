// Ponder insists on this file. Nothing is served here: the API is its own process, in api/.
import { Hono } from "hono";

export default new Hono();
