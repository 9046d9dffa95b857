// What it takes to put a flat record into a ring of a given size while the collector drains it, against JSON.stringify of the
// same record: the least that a logger of text does. For choosing a ring size; no published figure.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { openRing } from '../../dist/binding/ring.js';
import { expectCount } from '../runner/exposed.js';
import { ROOT } from '../runner/places.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { BATCH, timed } from '../runner/timing.js';

/** The first kind that users of a ring may take. */
const KIND = 16;

export function plan(settings: Settings): Row[] {
  return [
    {
      name: `ring record of 4 fields, ring of ${(settings.ringBytes / 1024).toLocaleString('en')} KiB, against JSON.stringify`,
      unit: 'ns',
      prepare: () => records(settings),
    },
  ];
}

async function records(settings: Settings): Promise<PreparedRow> {
  // Rings are no public API yet: they come from the built library itself.
  const module = (await import(pathToFileURL(join(ROOT, 'dist', 'binding', 'ring.js')).href)) as { openRing: typeof openRing };
  const ring = module.openRing({ sizeBytes: settings.ringBytes, onFull: 'drop-newest', signal: 'bench', spool: '/dev/null' });
  const record = { method: 'GET', route: '/users/:id/items', status: 200, seconds: 0.0123 };
  let kept = 0;
  let bytes = 0;
  const ours = timed('Kymo', settings, () => {
    for (let k = 0; k < BATCH; k++) if (ring.writer.write(KIND, record)) kept += 1;
  });
  return {
    ours,
    peer: timed('JSON.stringify', settings, () => {
      for (let k = 0; k < BATCH; k++) bytes += JSON.stringify(record).length;
    }),
    verify() {
      // Every record was kept or is counted as dropped: a ring that is too small for the load shows here as drops.
      const dropped = Object.values(ring.state().dropped).reduce((sum, count) => sum + count, 0);
      expectCount('records', kept + dropped, ours.operations());
      if (kept === 0 || bytes === 0) throw new Error('nothing was written');
    },
  };
}
