// Random programs against prom-client's API: made from a seed, run against any client, and written down as what every call gave.
import { inspect } from 'node:util';
import type { Client } from './original.js';

/** A generator of numbers in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// biome-ignore lint/suspicious/noExplicitAny: programs do what types forbid
type Any = any;

const NAMES = ['alpha_total', 'beta', 'gamma_seconds', 'delta_total', 'epsilon:x'];
const LABELS = ['method', 'code', 'route'];
const HELPS = ['help', 'a "quoted" one', 'back\\slash\nand line'];
const VALUES: Any[] = [
  'GET',
  'POST',
  '/a/b/c/:id/and/more',
  '',
  '200',
  200,
  0,
  -0,
  1.5,
  true,
  null,
  undefined,
  '"q"',
  'l\nf',
  'b\\s',
  'x,',
  'a:b',
];
const ODD_VALUES: Any[] = [Number.NaN, ['p'], { toString: () => 'text' }, 10n, '\ud800', 'undefined', 'null', 'ünï', '1e21'];
const AMOUNTS: Any[] = [undefined, 1, 2, 0.1, 0.2, 0, 1e-7, 123456.789, 1e21, 3e15];
const ODD_AMOUNTS: Any[] = [null, -1, Number.NaN, Number.POSITIVE_INFINITY, '5', '', false, true, 10n, '3ms', {}, [], -0];
const BOUNDS: (number[] | undefined)[] = [
  undefined,
  [1, 2, 5],
  [0.005, 1, 10],
  [-1, 0, 1],
  [2, 1],
  [1, 1, 2],
  [1, Number.POSITIVE_INFINITY],
  [],
];
const DEFAULTS: Any[] = [{}, { app: 'x' }, { code: 'default', app: '"' }, { le: 'x', quantile: 1 }, { method: '' }];

/** Time that stands still until a program moves it. */
interface Clock {
  nanoseconds: number;
}

/** Runs the program of `seed` against `client`; each line is one call and what it gave. */
export async function run(client: Client, seed: number, steps: number): Promise<string[]> {
  const clock: Clock = { nanoseconds: 1.7e18 };
  const { now } = Date;
  const { hrtime } = process;
  const { random } = Math;
  Date.now = () => Math.floor(clock.nanoseconds / 1e6);
  process.hrtime = ((start?: [number, number]) => {
    const at = clock.nanoseconds - (start ? start[0] * 1e9 + start[1] : 0);
    return [Math.floor(at / 1e9), at % 1e9];
  }) as typeof process.hrtime;
  Math.random = seeded(1);
  try {
    return await new Program(client, seed, clock).run(steps);
  } finally {
    Date.now = now;
    process.hrtime = hrtime;
    Math.random = random;
  }
}

class Program {
  readonly #client: Any;
  readonly #random: () => number;
  readonly #clock: Clock;
  readonly #trace: string[] = [];
  readonly #registries: Any[];
  readonly #metrics: Any[] = [];
  readonly #handles: Any[] = [];
  readonly #timers: Any[] = [];
  readonly #held: Any[] = [];

  constructor(client: Client, seed: number, clock: Clock) {
    this.#client = client;
    this.#random = seeded(seed);
    this.#clock = clock;
    const { OPENMETRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE } = client.Registry;
    const types = this.#chance(0.3)
      ? [OPENMETRICS_CONTENT_TYPE, OPENMETRICS_CONTENT_TYPE]
      : [PROMETHEUS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE];
    this.#registries = types.map((type) => new client.Registry(type));
  }

  async run(steps: number): Promise<string[]> {
    for (let step = 0; step < 3; step++) await this.#call('new', () => this.#newMetric());
    for (let step = 0; step < steps; step++) {
      const roll = this.#random();
      if (roll < 0.06) await this.#call('new', () => this.#newMetric());
      else if (roll < 0.6) await this.#call('record', () => this.#record());
      else if (roll < 0.7) await this.#call('handle', () => this.#handle());
      else if (roll < 0.75) await this.#call('timer', () => this.#timer());
      else if (roll < 0.83) await this.#call('change', () => this.#change());
      else await this.#call('read', () => this.#read());
      this.#clock.nanoseconds += Math.floor(this.#random() * 3e9);
    }
    for (const registry of this.#registries) {
      await this.#call('text', () => registry.metrics());
      await this.#call('json', () => registry.getMetricsAsJSON());
    }
    await this.#call('held', () => this.#held);
    return this.#trace;
  }

  /** Writes down what a call gives or throws. */
  async #call(name: string, act: () => unknown): Promise<void> {
    let result: string;
    try {
      const given = await act();
      result = typeof given === 'string' ? given : inspect(given, { depth: 6, maxArrayLength: null, breakLength: 200 });
    } catch (error) {
      result = `throws ${inspect(error).split('\n    at ')[0]}`;
    }
    this.#trace.push(`${this.#trace.length} ${name} ${result}`);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T;
  }

  #newMetric(): string {
    const kind = this.#pick(['Counter', 'Counter', 'Gauge', 'Histogram', 'Histogram', 'Summary']);
    const labelNames = LABELS.filter(() => this.#chance(0.5)).sort(() => this.#random() - 0.5);
    const config: Any = { name: this.#pick(NAMES), help: this.#pick(HELPS), labelNames };
    config.registers = this.#pick([[this.#registries[0]], [this.#registries[0]], this.#registries, []]);
    if (this.#chance(0.2)) config.aggregator = this.#pick(['max', 'omit']);
    if (kind === 'Histogram' && this.#chance(0.6)) config.buckets = [...(this.#pick(BOUNDS) ?? [1])];
    if (kind === 'Summary' && this.#chance(0.6))
      Object.assign(config, { maxAgeSeconds: 5, ageBuckets: 3, pruneAgedBuckets: this.#chance(0.5) });
    if (this.#chance(0.2)) config.enableExemplars = true;
    if (this.#chance(0.25)) config.collect = this.#collector();
    if (this.#chance(0.06))
      Object.assign(
        config,
        this.#pick<Any>([
          { name: '9x' },
          { help: '' },
          { labelNames: ['le'] },
          { labelNames: ['a b'] },
          { collect: 1 },
          { name: undefined },
          { labelNames: ['quantile'] },
          { registers: undefined },
        ]),
      );
    // A broken one may stay in its registry.
    const metric = new this.#client[kind](config);
    this.#metrics.push(metric);
    return `${kind} ${config.name} ${labelNames} ${Object.keys(metric)}`;
  }

  /** Records on some metric when it is asked for, at once or later; or throws. */
  #collector(): () => unknown {
    const kind = this.#random();
    const target = Math.floor(this.#random() * (this.#metrics.length + 1));
    const amount = this.#pick([1, 2, 0.5]);
    const act = (): void => {
      const metric = this.#metrics[target];
      const method = metric && (metric.set ?? metric.observe ?? metric.inc);
      if (method && !metric.enableExemplars) method.call(metric, {}, amount);
    };
    if (kind < 0.6) return act;
    if (kind < 0.9)
      return async () => {
        await null;
        act();
      };
    return () => {
      throw new Error('collect failed');
    };
  }

  #labels(metric: Any): Any {
    const roll = this.#random();
    if (roll < 0.05) return this.#pick<Any>(metric.type === 'summary' ? [undefined, null, {}] : [undefined, null, 0, 3, '', 'x', {}, []]);
    const names: string[] = [...metric.labelNames].filter(() => this.#chance(0.93));
    if (this.#chance(0.15)) names.reverse();
    if (this.#chance(0.02)) names.push('undeclared');
    const labels: Any = this.#chance(0.03) ? Object.create(this.#chance(0.5) ? null : { [this.#pick(LABELS)]: 'inherited' }) : {};
    for (const name of names) labels[name] = this.#labelValue();
    return labels;
  }

  #labelValue(): Any {
    return this.#chance(0.04) ? this.#pick(ODD_VALUES) : this.#pick(VALUES);
  }

  #amount(): Any {
    return this.#chance(0.06) ? this.#pick(ODD_AMOUNTS) : this.#pick(AMOUNTS);
  }

  #exemplarOf(metric: Any): Any {
    const given: Any = {};
    if (this.#chance(0.8)) given.labels = this.#labels(metric);
    if (this.#chance(0.9)) given.value = this.#amount();
    if (this.#chance(0.7)) given.exemplarLabels = this.#pick<Any>([{ trace_id: 'abc' }, { a: 'x"', b: 1 }, {}, { long: 'y'.repeat(130) }]);
    return given;
  }

  #record(): unknown {
    const metric = this.#pick(this.#metrics);
    const method = this.#pick(['inc', 'dec', 'set', 'observe', 'setToCurrentTime'].filter((name) => typeof metric[name] === 'function'));
    if (metric.enableExemplars && metric.type !== 'gauge' && metric.type !== 'summary') return metric[method](this.#exemplarOf(metric));
    const roll = this.#random();
    if (roll < 0.15) return metric[method](this.#amount());
    if (roll < 0.2) return metric[method]();
    if (roll < 0.35 && metric.labels) {
      const bound = metric.labels(...this.#positional(metric));
      return (bound[method] ?? bound.inc ?? bound.observe)(this.#amount());
    }
    return metric[method](this.#labels(metric), this.#amount());
  }

  #positional(metric: Any): Any[] {
    const values = metric.labelNames.map(() => this.#labelValue());
    if (this.#chance(0.03)) values.pop();
    return this.#chance(0.2) ? [this.#labels(metric)] : values;
  }

  #handle(): unknown {
    if (this.#handles.length === 0 || this.#chance(0.4)) {
      const metric = this.#pick(this.#metrics);
      const handle = metric.labels(...this.#positional(metric));
      this.#handles.push(handle);
      return Object.keys(handle);
    }
    const handle = this.#pick(this.#handles);
    const method = this.#pick(Object.keys(handle).filter((name) => name !== 'startTimer'));
    const detached = handle[method];
    return detached(this.#amount());
  }

  #timer(): unknown {
    if (this.#timers.length > 0 && this.#chance(0.5)) return this.#pick(this.#timers)(this.#chance(0.3) ? { code: '500' } : undefined);
    const timed = this.#metrics.filter((metric) => metric.startTimer);
    if (timed.length === 0) return undefined;
    const metric = this.#pick(timed);
    const labels = this.#chance(0.5) ? this.#labels(metric) : undefined;
    this.#timers.push(this.#chance(0.3) ? metric.labels(...this.#positional(metric)).startTimer() : metric.startTimer(labels));
    return undefined;
  }

  #change(): unknown {
    const metric = this.#pick(this.#metrics);
    const registry = this.#pick(this.#registries);
    const { OPENMETRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE } = this.#client.Registry;
    switch (Math.floor(this.#random() * 14)) {
      case 0:
        return metric.reset();
      case 1:
      case 2:
      case 3:
      case 4:
        return metric.remove(...this.#positional(metric));
      case 5:
        return metric.zero?.(asObject(this.#labels(metric)));
      case 6:
      case 7:
        return registry.setDefaultLabels({ ...this.#pick(DEFAULTS) });
      case 8:
        return this.#chance(0.2) ? registry.clear() : registry.removeSingleMetric(this.#pick(NAMES));
      case 9:
        return registry.registerMetric(metric);
      case 10:
        return this.#chance(0.3) ? registry.resetMetrics() : metric.reset();
      case 11:
        return registry.setContentType(this.#pick([OPENMETRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE, 'text/html']));
      case 12:
        metric.help = 'another';
        return undefined;
      default:
        metric.collect = this.#chance(0.5) ? undefined : this.#collector();
        return undefined;
    }
  }

  async #read(): Promise<unknown> {
    const metric = this.#pick(this.#metrics);
    const registry = this.#pick(this.#registries);
    switch (Math.floor(this.#random() * 11)) {
      case 0:
      case 1:
      case 2:
        return registry.metrics();
      case 3: {
        const text = registry.metrics();
        const recorded = attempt(() => this.#record());
        return `${inspect(recorded)} ${await text}`;
      }
      case 4:
        return registry.getMetricsAsJSON();
      case 5: {
        const data = await metric.get();
        if (metric.type === 'counter' || metric.type === 'gauge') this.#held.push(data.values);
        return data;
      }
      case 6:
        return registry.getSingleMetricAsString(this.#pick(NAMES));
      case 7:
        return this.#client.Registry.merge(this.#registries).metrics();
      case 8:
        return registry.getMetricsAsArray().map(({ name }: Any) => name);
      case 9:
        return metric.type === 'summary' ? Object.keys(metric.hashMap).length : Object.values(metric.hashMap);
      default:
        return metric._getValue?.(this.#labels(metric)) ?? metric.get();
    }
  }
}

function asObject(labels: Any): Any {
  return typeof labels === 'object' && labels !== null ? labels : {};
}

function attempt(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return String(error);
  }
}
