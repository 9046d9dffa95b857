// How long a scrape takes while the main loop of the scraped process is blocked, against an idle loop.
import type { Latencies, Load } from '../runner/http-client.js';
import { Program } from '../runner/program.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import type { Block } from './scraped-process.js';

/** Share of the block that is measured: the load starts a moment after the block and has to end before it. */
const MEASURED = 0.9;

export function plan(settings: Settings): Row[] {
  const { blockSeconds, blockedSeries } = settings;
  return [
    {
      name: `scrape p99, loop blocked for ${blockSeconds} s, ${blockedSeries.toLocaleString('en')} series, against an idle loop`,
      unit: 'ms',
      goal: { kind: 'at-most', limit: 2 },
      rounds: Math.min(settings.rounds, 5),
      prepare: () => blocked(settings),
    },
  ];
}

async function blocked({ blockSeconds, blockedSeries, loadSeconds, smoke }: Settings): Promise<PreparedRow> {
  const service = new Program(new URL('./scraped-process.js', import.meta.url));
  const client = new Program(new URL('../runner/http-client.js', import.meta.url));
  const port = await service.ask<number>('serve', { library: 'kymo', series: blockedSeries });
  const load: Load = { port, path: '/metrics', seconds: smoke ? loadSeconds : blockSeconds * MEASURED, everyMs: 0 };
  const scrape = (): Promise<Latencies> => client.ask<Latencies>('load', load);
  let worst: string | undefined;
  // Connects, compiles and fills caches of both programs before anything counts.
  await client.ask<Latencies>('load', { ...load, seconds: 0.1 });
  return {
    ours: {
      label: 'Kymo, blocked',
      async sample() {
        await service.ask('block', blockSeconds);
        const seen = await scrape();
        // Answered once the loop is free again.
        const block = await service.ask<Block>('blocked');
        if (seen.from < block.from || seen.to > block.to)
          worst = `scraped from ${seen.from} to ${seen.to}, blocked from ${block.from} to ${block.to}`;
        if (seen.lines < blockedSeries) worst = `${seen.lines} lines for ${blockedSeries} series`;
        return seen.p99;
      },
    },
    peer: { label: 'Kymo, idle', sample: async () => (await scrape()).p99 },
    verify() {
      if (worst !== undefined) throw new Error(`the blocked loop was not what was measured: ${worst}`);
    },
    async close() {
      await client.stop();
      await service.stop();
    },
  };
}
