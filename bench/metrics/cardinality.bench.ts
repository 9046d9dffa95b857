// Label values without end, thrown at one metric: what they leave in memory, what one costs, and what a scrape takes afterwards.
import { expectCount, exposedSum } from '../runner/exposed.js';
import { Program } from '../runner/program.js';
import type { PreparedRow, Row, Side } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { inMilliseconds, timed } from '../runner/timing.js';
import { CAP, flooded } from './flood.js';
import type { Flood } from './flooded-process.js';

export function plan(settings: Settings): Row[] {
  const of = settings.distinctValues.toLocaleString('en');
  return [
    {
      name: `scrape after ${of} distinct label values, against one of ${CAP.toLocaleString('en')} series`,
      unit: 'ms',
      goal: { kind: 'below', limit: 20 },
      prepare: () => scraped(settings),
    },
    {
      name: `resident memory after ${of} distinct label values, against ${CAP.toLocaleString('en')}`,
      unit: 'B',
      goal: { kind: 'at-most', limit: 1.5 },
      rounds: Math.min(settings.rounds, 3),
      prepare: () => resident(settings),
    },
  ];
}

/** Uncompressed text into a buffer that is used again, as a scrape's thread makes it. */
function scraped(settings: Settings): PreparedRow {
  const { registry, counter } = flooded(settings.distinctValues);
  const small = flooded(CAP).registry;
  const target = Buffer.alloc(registry.renderInto(new Uint8Array(0)));
  return {
    ours: inMilliseconds(timed('after the flood', settings, () => registry.renderInto(target), 1)),
    peer: inMilliseconds(timed('at the cap', settings, () => small.renderInto(target), 1)),
    verify() {
      const text = target.subarray(0, registry.renderInto(target)).toString();
      // Every value is counted, the cap holds, and the overflow series is there.
      expectCount('the flooded counter', exposedSum(text, counter.name), settings.distinctValues);
      const lines = text.split('\n').filter((line) => line.startsWith(`${counter.name}{`)).length;
      expectCount('its series', lines, Math.min(settings.distinctValues, CAP + 1));
    },
  };
}

function resident(settings: Settings): PreparedRow {
  const side = (label: string, values: number): Side => ({
    label,
    async sample() {
      const program = new Program(new URL('./flooded-process.js', import.meta.url));
      try {
        return await program.ask<number>('residentBytes', { values } satisfies Flood);
      } finally {
        await program.stop();
      }
    },
  });
  // Each sample has checked its own count.
  return { ours: side('after the flood', settings.distinctValues), peer: side('at the cap', CAP), verify() {} };
}
