// Resident memory of a series, heap, segments and native tables together, one thread, each library in a process of its own.
import { Program } from '../runner/program.js';
import type { PreparedRow, Row, Side } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import type { Making } from './memory-process.js';

export function plan(settings: Settings): Row[] {
  const { series, buckets } = settings;
  const of = series.toLocaleString('en');
  return [
    {
      name: `resident memory per counter series, ${of} series, against prom-client`,
      unit: 'B',
      goal: { kind: 'at-most', limit: 1 / 2 },
      rounds: Math.min(settings.rounds, 3),
      prepare: () => resident('counter', settings),
    },
    {
      name: `resident memory per histogram series, ${buckets.length} buckets, ${of} series, against prom-client`,
      unit: 'B',
      goal: { kind: 'at-most', limit: 1 / 4 },
      rounds: Math.min(settings.rounds, 3),
      prepare: () => resident('histogram', settings),
    },
  ];
}

function resident(kind: Making['kind'], { series, buckets }: Settings): PreparedRow {
  const side = (label: string, library: Making['library']): Side => ({
    label,
    async sample() {
      const program = new Program(new URL('./memory-process.js', import.meta.url));
      try {
        return await program.ask<number>('bytesPerSeries', { library, kind, series, buckets } satisfies Making);
      } finally {
        await program.stop();
      }
    },
  });
  // Each sample has checked its own count of series.
  return { ours: side('Kymo', 'kymo'), peer: side('prom-client', 'prom-client'), verify() {} };
}
