/** Writes a JSON value as one line of printable ASCII, so that untrusted text cannot reach the terminal as control sequences. */
export const asciiJson = (value: unknown): string =>
  `${JSON.stringify(value).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}\n`;
