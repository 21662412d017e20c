/** The services behind GraphQL. */
import type { ApiService } from "../../queries/state/service.ts";
import type { Snapshots } from "../../snapshot/snapshots.ts";
import type { EventStream } from "../../stream/eventStream.ts";

export interface GraphService extends ApiService {
  /** Milliseconds of a monotonic clock. */
  readonly elapsed: () => number;
  readonly snapshots: Snapshots;
  readonly stream: EventStream;
  /** Makes an unpredictable seed. */
  readonly newSeed: () => string;
}
