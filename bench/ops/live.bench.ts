// How long `/live` takes while another client scrapes all series without pause: rendering must not stand in the way of a probe.
import type { Latencies, Load } from '../runner/http-client.js';
import { Program } from '../runner/program.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';

export function plan(settings: Settings): Row[] {
  return [
    {
      name: `/live p99, ${settings.series.toLocaleString('en')} series scraped without pause, against no scrape`,
      unit: 'ms',
      goal: { kind: 'below', limit: 1 },
      rounds: Math.min(settings.rounds, 5),
      prepare: () => live(settings),
    },
  ];
}

async function live({ series, loadSeconds }: Settings): Promise<PreparedRow> {
  const service = new Program(new URL('./scraped-process.js', import.meta.url));
  const prober = new Program(new URL('../runner/http-client.js', import.meta.url));
  const scraper = new Program(new URL('../runner/http-client.js', import.meta.url));
  const port = await service.ask<number>('serve', { library: 'kymo', series });
  const probes: Load = { port, path: '/live', seconds: loadSeconds, everyMs: 1 };
  const scrapes: Load = { port, path: '/metrics', seconds: loadSeconds, everyMs: 0 };
  let scraped: Latencies | undefined;
  return {
    ours: {
      label: 'Kymo, scraped',
      async sample() {
        const [probed, seen] = await Promise.all([prober.ask<Latencies>('load', probes), scraper.ask<Latencies>('load', scrapes)]);
        scraped = seen;
        return probed.p99;
      },
    },
    peer: { label: 'Kymo, not scraped', sample: async () => (await prober.ask<Latencies>('load', probes)).p99 },
    verify() {
      if (scraped === undefined || scraped.lines < series) throw new Error(`a scrape had ${scraped?.lines} lines for ${series} series`);
    },
    async close() {
      await prober.stop();
      await scraper.stop();
      await service.stop();
    },
  };
}
