// How long the main loop is held up while all series are scraped, against no scrape at all and against prom-client.
import type { Latencies, Load } from '../runner/http-client.js';
import { Program } from '../runner/program.js';
import type { PreparedRow, Row, Side } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import type { LoopDelay, Service } from './scraped-process.js';

export function plan(settings: Settings): Row[] {
  const { series, scrapesPerSecond } = settings;
  const load = `${series.toLocaleString('en')} series scraped ${scrapesPerSecond} times a second`;
  return [
    {
      name: `main-loop delay p99, ${load}, against no scrape`,
      unit: 'us',
      goal: { kind: 'same' },
      prepare: () => againstNoScrape(settings),
    },
    {
      name: `main-loop delay p99, ${load}, against prom-client`,
      unit: 'us',
      rounds: Math.min(settings.rounds, 3),
      prepare: () => againstPeer(settings),
    },
  ];
}

/** A service, the client that scrapes it, and what the client saw last. */
interface Scraped {
  readonly service: Program;
  readonly client: Program;
  readonly port: number;
  seen: Latencies | undefined;
}

async function startScraped(service: Service): Promise<Scraped> {
  const program = new Program(new URL('./scraped-process.js', import.meta.url));
  const client = new Program(new URL('../runner/http-client.js', import.meta.url));
  return { service: program, client, port: await program.ask<number>('serve', service), seen: undefined };
}

function scrapedSide(label: string, scraped: Scraped, { loadSeconds, scrapesPerSecond }: Settings): Side {
  return {
    label,
    async sample() {
      const load: Load = { port: scraped.port, path: '/metrics', seconds: loadSeconds, everyMs: 1_000 / scrapesPerSecond };
      const [delay, seen] = await Promise.all([
        scraped.service.ask<LoopDelay>('delay', loadSeconds),
        scraped.client.ask<Latencies>('load', load),
      ]);
      scraped.seen = seen;
      return delay.p99;
    },
  };
}

/** Throws unless every scrape had every series in it. */
function verifyScrapes({ seen }: Scraped, series: number): void {
  if (seen === undefined || seen.requests < 1) throw new Error('nothing was scraped');
  if (seen.lines < series) throw new Error(`the last scrape had ${seen.lines} lines for ${series} series`);
}

async function againstNoScrape(settings: Settings): Promise<PreparedRow> {
  const scraped = await startScraped({ library: 'kymo', series: settings.series });
  return {
    ours: scrapedSide('Kymo', scraped, settings),
    peer: {
      label: 'no scrape',
      sample: async () => (await scraped.service.ask<LoopDelay>('delay', settings.loadSeconds)).p99,
    },
    verify: () => verifyScrapes(scraped, settings.series),
    close: () => stop(scraped),
  };
}

async function againstPeer(settings: Settings): Promise<PreparedRow> {
  const ours = await startScraped({ library: 'kymo', series: settings.series });
  const theirs = await startScraped({ library: 'prom-client', series: settings.series });
  return {
    ours: scrapedSide('Kymo', ours, settings),
    peer: scrapedSide('prom-client', theirs, settings),
    verify() {
      verifyScrapes(ours, settings.series);
      verifyScrapes(theirs, settings.series);
    },
    close: async () => {
      await stop(ours);
      await stop(theirs);
    },
  };
}

async function stop({ service, client }: Scraped): Promise<void> {
  await client.stop();
  await service.stop();
}
