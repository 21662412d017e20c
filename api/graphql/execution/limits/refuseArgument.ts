import { ApiError } from "../../../errors.ts";

const MAX_ECHO_LENGTH = 200;

/** The refusal of an argument or parameter: its name, the value (shortened) and the rule it breaks. */
export function refuseArgument(parameter: string, value: unknown, rule: string): ApiError {
  const shown = String(value).slice(0, MAX_ECHO_LENGTH);
  return new ApiError("invalid-parameter", `${parameter}: ${JSON.stringify(shown)}: ${rule}`, {
    parameter,
    value: shown,
    rule,
  });
}
