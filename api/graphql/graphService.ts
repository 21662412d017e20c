/** What GraphQL needs besides what every answer does. */
import type { ApiService } from "../queries/service.ts";

export interface GraphService extends ApiService {
  /** Milliseconds of a clock that only goes forward. */
  readonly elapsed: () => number;
}
