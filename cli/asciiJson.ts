/** One JSON value as a line of printable ASCII: what strangers wrote reaches no terminal, and any program reads it alike. */
export const asciiJson = (value: unknown): string =>
  `${JSON.stringify(value).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}\n`;
