/** `/docs/errors`: every code with what to do about it. The problems' `type` points into it. */
import { ERROR_KINDS } from "../errors.ts";
import type { KeptAnswer } from "../rest/keptAnswer.ts";
import { page } from "./reader.ts";

const withCode = (text: string): string => text.replaceAll(/`([^`]+)`/g, "<code>$1</code>");

export function errorsPage(): KeptAnswer {
  const entries = Object.entries(ERROR_KINDS).map(
    ([code, { status, title, help }]) =>
      `      <h2 id="${code}">${code} <small>${status}</small></h2>\n      <p><b>${title}.</b> ${withCode(help)}</p>`,
  );
  return page(
    "OpenGradient index: errors",
    `    <article>\n      <h1>Errors</h1>\n      <p>Each is a problem document (RFC 9457) with its code; GraphQL has the same codes in <code>extensions</code>.</p>\n${entries.join("\n")}\n    </article>`,
  );
}
