/** What GraphQL needs besides what every answer does. */
import type { ApiService } from "../../queries/state/service.ts";
import type { Snapshots } from "../../snapshot/snapshots.ts";
import type { EventStream } from "../../stream/eventStream.ts";

export interface GraphService extends ApiService {
  /** Milliseconds of a clock that only goes forward. */
  readonly elapsed: () => number;
  readonly snapshots: Snapshots;
  readonly stream: EventStream;
  /** Makes a seed nobody can foresee. */
  readonly newSeed: () => string;
}
