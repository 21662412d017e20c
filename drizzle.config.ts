/** For `npm run migrations:generate`: writes the next SQL migration from db/schema. */
import { defineConfig } from "drizzle-kit";

export default defineConfig({ dialect: "postgresql", schema: "./db/schema/*.ts", out: "./db/migrations" });
