// What a span, a duration and a line of a log add to a request: a `node:http` server that answers 12 bytes, kept busy on a core of its own by `wrk` on
// another. The cost of a request is what the server needs for it, since its core does nothing else.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { Latencies, Load } from '../runner/http-client.js';
import { Program } from '../runner/program.js';
import type { PreparedRow, Row, Side } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import type { Answered, Answering, Observer } from './answering-process.js';

/** The peers' overhead is at least this many times ours. */
const GOAL = 10;
const CONNECTIONS = 32;
const PATH = '/hello/world';
const SERVER_CORE = 0;
const CLIENT_CORE = 1;
/** Least overhead in us that is told from none: a division by less says nothing. */
const LEAST_US = 0.01;

export function plan(settings: Settings): Row[] {
  const seconds = settings.smoke ? settings.loadSeconds : Math.max(1, settings.loadSeconds / 2);
  return [
    {
      name: 'gateway request with a span and a duration, overhead beyond one AsyncLocalStorage.run, against prom-client + OpenTelemetry JS',
      unit: 'us',
      goal: { kind: 'times-faster', factor: GOAL },
      prepare: () => overhead('Kymo', 'prom-client + OpenTelemetry JS', seconds, settings.smoke),
    },
    {
      name: 'gateway request with a span and a duration, whole, against prom-client + OpenTelemetry JS',
      unit: 'us',
      prepare: () => whole('prom-client + OpenTelemetry JS', seconds, settings.smoke),
    },
    {
      name: 'gateway request with a span and a duration, whole, against one AsyncLocalStorage.run',
      unit: 'us',
      prepare: () => whole('AsyncLocalStorage', seconds, settings.smoke),
    },
    {
      name: 'gateway request with a span and a duration, whole, against nothing',
      unit: 'us',
      prepare: () => whole('nothing', seconds, settings.smoke),
    },
    {
      name: 'gateway request with a span, a duration and a log line, overhead beyond one AsyncLocalStorage.run, against prom-client + OpenTelemetry JS + pino',
      unit: 'us',
      goal: { kind: 'times-faster', factor: GOAL },
      prepare: () => overhead('Kymo with a log', 'prom-client + OpenTelemetry JS + pino', seconds, settings.smoke),
    },
    {
      name: 'gateway request with a span, a duration and a log line, whole, against prom-client + OpenTelemetry JS + pino',
      unit: 'us',
      prepare: () => whole('prom-client + OpenTelemetry JS + pino', seconds, settings.smoke, 'Kymo with a log'),
    },
  ];
}

/** A server under load. */
class LoadedServer {
  readonly #observer: Observer;
  readonly #server = new Program(new URL('./answering-process.js', import.meta.url));
  readonly #seconds: number;
  readonly #smoke: boolean;
  #port = 0;

  private constructor(observer: Observer, seconds: number, smoke: boolean) {
    this.#observer = observer;
    this.#seconds = seconds;
    this.#smoke = smoke;
  }

  static async start(observer: Observer, seconds: number, smoke: boolean): Promise<LoadedServer> {
    const loaded = new LoadedServer(observer, seconds, smoke);
    // A smoke run checks answers, on any machine.
    const core = smoke || availableParallelism() < 2 ? null : SERVER_CORE;
    loaded.#port = await loaded.#server.ask<number>('serve', { observer, core } satisfies Answering);
    return loaded;
  }

  /** Microseconds per request, over one load. */
  async cost(): Promise<number> {
    return 1e6 / (this.#smoke ? await this.#byClient() : this.#byWrk());
  }

  /** Throws unless the observer has seen every request. */
  async verify(): Promise<void> {
    const { requests, durations, spans, lines } = await this.#server.ask<Answered>('answered');
    if (requests === 0) throw new Error(`${this.#observer}: no request was answered`);
    if (this.#observer === 'nothing' || this.#observer === 'AsyncLocalStorage') return;
    if (durations !== requests) throw new Error(`${this.#observer}: ${durations} durations of ${requests} requests`);
    // OpenTelemetry's processor drops spans when it is flooded; Kymo must not.
    if (this.#observer.startsWith('Kymo') ? spans !== requests : spans === 0) {
      throw new Error(`${this.#observer}: ${spans} spans of ${requests} requests`);
    }
    if (lines !== (/log|pino/.test(this.#observer) ? requests : 0))
      throw new Error(`${this.#observer}: ${lines} lines of ${requests} requests`);
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  #byWrk(): number {
    const url = `http://127.0.0.1:${this.#port}${PATH}`;
    const wrk = ['wrk', '-t', '1', '-c', String(CONNECTIONS), '-d', `${Math.ceil(this.#seconds)}s`, url];
    const [command = '', ...args] = availableParallelism() < 2 ? wrk : ['taskset', '-c', String(CLIENT_CORE), ...wrk];
    const { stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
    const rate = /^Requests\/sec: +([\d.]+)$/m.exec(stdout ?? '')?.[1];
    if (rate === undefined)
      throw new Error(`wrk gave no rate (install it with: apt-get install wrk): ${error?.message ?? stderr}${stdout}`);
    if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`wrk saw wrong answers:\n${stdout}`);
    return Number(rate);
  }

  async #byClient(): Promise<number> {
    const client = new Program(new URL('../runner/http-client.js', import.meta.url));
    try {
      const load: Load = { port: this.#port, path: PATH, seconds: this.#seconds, everyMs: 0 };
      return (await client.ask<Latencies>('load', load)).requests / this.#seconds;
    } finally {
      await client.stop();
    }
  }
}

/** The servers of a row, started one after another. */
async function startAll(observers: readonly Observer[], seconds: number, smoke: boolean): Promise<LoadedServer[]> {
  const started: LoadedServer[] = [];
  for (const observer of observers) started.push(await LoadedServer.start(observer, seconds, smoke));
  return started;
}

function closing(servers: readonly LoadedServer[]): Pick<PreparedRow, 'verify' | 'close'> {
  return {
    async verify() {
      for (const server of servers) await server.verify();
    },
    async close() {
      for (const server of servers) await server.stop();
    },
  };
}

async function overhead(own: Observer, peer: Observer, seconds: number, smoke: boolean): Promise<PreparedRow> {
  const servers = await startAll(['AsyncLocalStorage', own, peer], seconds, smoke);
  const [bare, ours, peers] = servers as [LoadedServer, LoadedServer, LoadedServer];
  // Each side has a bare load right before its own, so that a slow phase of the machine falls on both.
  const side = (label: string, server: LoadedServer): Side => ({
    label,
    async sample() {
      const without = await bare.cost();
      return Math.max(LEAST_US, (await server.cost()) - without);
    },
  });
  return { ours: side('Kymo', ours), peer: side(peer, peers), ...closing(servers) };
}

async function whole(observer: Observer, seconds: number, smoke: boolean, own: Observer = 'Kymo'): Promise<PreparedRow> {
  const servers = await startAll([own, observer], seconds, smoke);
  const [ours, other] = servers as [LoadedServer, LoadedServer];
  return {
    ours: { label: 'Kymo', sample: () => ours.cost() },
    peer: { label: observer, sample: () => other.cost() },
    ...closing(servers),
  };
}
