// A declaration as the addon tells it, for a thread that did not make it. Pure functions, any thread.
import type { Declaration } from './declared.js';
import type { RegistrySettings } from './registry-options.js';

type Told = 'name' | 'help' | 'unit' | 'kind' | 'labelNames' | 'bounds' | 'aggregate' | 'states';
type Described = Required<Pick<Declaration, Told>> & {
  readonly native: NonNullable<Declaration['native']> | null;
  readonly summary: NonNullable<Declaration['summary']> | null;
};

/** The declaration that `describeMetric` wrote; what only JavaScript knows of one is as the registry says. */
export function describedBy(json: string, { declared }: RegistrySettings): Declaration {
  const { bounds, native, summary, states, ...plain } = JSON.parse(json) as Described;
  return {
    ...plain,
    missingLabels: declared.missingLabels ?? 'throw',
    last: plain.aggregate === 1,
    ...(plain.kind === 3 ? { bounds } : {}),
    ...(native === null ? {} : { native }),
    ...(summary === null ? {} : { summary }),
    ...(plain.kind === 6 ? { states } : {}),
  };
}
