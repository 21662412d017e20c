/** How variables of the environment are read: their kinds, and what is said of one that cannot be used. */
import { z } from "zod";

export type Variables = Readonly<Record<string, string | undefined>>;

/** Thrown when the environment cannot be used; the message lists every problem at once. */
export class ConfigurationError extends Error {
  readonly code = "configuration";

  constructor(readonly problems: readonly string[]) {
    super(`The environment cannot be used:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
    this.name = "ConfigurationError";
  }
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

export const fail = (ctx: z.RefinementCtx, message: string): never => {
  ctx.addIssue({ code: "custom", message });
  return z.NEVER;
};

export const parts = (text: string) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

const toAddress = (value: string, ctx: z.RefinementCtx, next: string): `0x${string}` => {
  if (!ADDRESS.test(value)) return fail(ctx, `"${value}" is not a 20-byte address; ${next}`);
  return value.toLowerCase() as `0x${string}`; // the pattern was checked
};

export const address = (preset: string) =>
  z
    .string()
    .default(preset)
    .transform((value, ctx) => toAddress(value.trim(), ctx, "give one 0x address"));

/** Comma-separated, duplicates dropped, first occurrence keeps its place. */
export const addresses = (preset: readonly string[]) =>
  z
    .string()
    .default(preset.join(","))
    .transform((text, ctx) => [
      ...new Set(parts(text).map((part) => toAddress(part, ctx, "give comma-separated 0x addresses"))),
    ]);

export const integer = (preset: number, min: number, max: number) =>
  z
    .string()
    .default(String(preset))
    .transform((text, ctx) => {
      const value = Number(text);
      if (!/^\d+$/.test(text.trim()) || value < min || value > max)
        return fail(ctx, `"${text}" is not a whole number from ${min} to ${max}`);
      return value;
    });

/**
 * Reads the variables that a schema names. Empty ones count as unset.
 * @throws {ConfigurationError} naming every unusable variable, its value and the rule it breaks.
 */
export function readVariables<Schema extends z.ZodObject>(
  schema: Schema,
  variables: Variables,
): z.output<Schema> {
  const given = Object.fromEntries(
    Object.entries(variables).filter(([name, value]) => name in schema.shape && value?.trim()),
  );
  const result = schema.safeParse(given);
  if (!result.success)
    throw new ConfigurationError(
      result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`),
    );
  return result.data;
}
