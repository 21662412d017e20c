/** Validates responses against `openapi.json`. For tests only. */
import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { FRESHNESS_HEADERS } from "../../queries/state/asOf.ts";
import { OPENAPI_FILE } from "./openapiFile.ts";

interface DocumentedResponse {
  readonly $ref?: string;
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, unknown>>;
}

interface DocumentedOperation {
  readonly responses: Readonly<Record<string, DocumentedResponse>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, DocumentedResponse>> };
}

const DOCUMENT = "openapi.json";

interface AnsweredRequest {
  readonly method: string;
  readonly path: string;
  /** Whether the answer is a walk over all pages. */
  readonly bulk: boolean;
}

export class DocumentedAnswers {
  readonly #document: Document = JSON.parse(readFileSync(OPENAPI_FILE, "utf8"));
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #validators = new Map<string, ValidateFunction>();
  readonly #paths = Object.keys(this.#document.paths).map((path) => ({
    path,
    pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
  }));

  constructor() {
    this.#ajv.addSchema(this.#document, DOCUMENT);
  }

  /**
   * Reads no more than JSON of it: the rest may be long, or have no end.
   * @throws {Error} when the answer is none that the path's documentation has for its status.
   */
  async check(request: AnsweredRequest, answer: Response): Promise<void> {
    const method = request.method === "HEAD" ? "get" : request.method.toLowerCase();
    const found = this.#paths.find(({ pattern }) => pattern.test(request.path));
    const operation = found === undefined ? undefined : this.#document.paths[found.path]?.[method];
    if (found === undefined || operation === undefined) return this.#checkRefusal(request.path, answer);
    const where = ["paths", found.path, method, "responses"];
    const status = String(answer.status);
    const response = operation.responses[status] ?? operation.responses.default;
    const name = `${method} ${request.path} ${status}`;
    if (response === undefined) throw new Error(`${name}: not documented: ${await answer.clone().text()}`);

    const key = operation.responses[status] === undefined ? "default" : status;
    const at = response.$ref?.slice(2).split("/") ?? [...where, key];
    const said =
      response.$ref === undefined ? response : this.#document.components.responses[at.at(-1) ?? ""];
    this.#checkHeaders(name, said, answer.headers);
    if (answer.body === null || request.method === "HEAD") return;
    const [type = ""] = (answer.headers.get("Content-Type") ?? "").split(";");
    if (said?.content?.[type] === undefined) throw new Error(`${name}: ${type} is not documented`);
    if (!type.endsWith("json") || type === "application/x-ndjson" || request.bulk) return;
    const body = await answer.clone().json();
    this.#checkBody(name, [...at, "content", type, "schema"], body);
    if (type === "application/problem+json") this.#checkCode(name, said, body.code);
  }

  /** A path or a method that is none. */
  async #checkRefusal(path: string, answer: Response): Promise<void> {
    if (answer.status >= 400)
      this.#checkBody(path, ["components", "schemas", "Problem"], await answer.clone().json());
  }

  #checkHeaders(name: string, response: DocumentedResponse | undefined, headers: Headers): void {
    // Every problem may have the freshness headers.
    const documented = [...Object.keys(response?.headers ?? {}), ...FRESHNESS_HEADERS].map((header) =>
      header.toLowerCase(),
    );
    for (const header of headers.keys())
      if (OURS.test(header) && !documented.includes(header))
        throw new Error(`${name}: the header ${header} is not documented`);
  }

  #checkBody(name: string, pointer: readonly string[], body: unknown): void {
    const reference = `${DOCUMENT}#/${pointer.map(escaped).join("/")}`;
    const validate = this.#validators.get(reference) ?? this.#ajv.compile({ $ref: reference });
    this.#validators.set(reference, validate);
    if (!validate(body))
      throw new Error(`${name}: not as documented: ${this.#ajv.errorsText(validate.errors)}`);
  }

  #checkCode(name: string, { content = {} }: DocumentedResponse, code: string): void {
    const { examples = {} } = content["application/problem+json"] as { examples?: object }; // as problems are documented
    if (!(code in examples)) throw new Error(`${name}: the code ${code} is not documented`);
  }
}

/** Headers that say something of ours; the rest is HTTP's and CORS's. */
const OURS = /^(og|base|proofs|ratelimit)-|^(etag|link|retry-after|x-request-id|allow)$/;

const escaped = (key: string): string => encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"));
