/** Sends one request to one API, timed from the first byte sent to the last one received. */
export interface Answer {
  readonly ms: number;
  readonly status: number;
  readonly bytes: number;
  /** The beginning of the body, unless the status is 200. */
  readonly problem: string | null;
}

export async function ask(url: string): Promise<Answer> {
  const beganAt = performance.now();
  const response = await fetch(url);
  const body = await response.text();
  const ms = performance.now() - beganAt;
  const failed = response.status !== 200 || body.startsWith('{"errors"');
  return { ms, status: response.status, bytes: body.length, problem: failed ? body.slice(0, 300) : null };
}

/** @throws when the request fails: its speed would mean nothing. */
export async function askWell(url: string): Promise<Answer> {
  const answer = await ask(url);
  if (answer.problem !== null) throw new Error(`${url}: ${answer.status} ${answer.problem}`);
  return answer;
}
