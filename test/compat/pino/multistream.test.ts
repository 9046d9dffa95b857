// `multistream`: random programs of streams, levels and writes do on ours what they do on pino's.
import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type Multistream, multistream as ours } from '../../../src/compat/pino/multistream.js';
import { pinoPackages } from '../../pino.js';
import { ours as pino } from './original.js';
import { randomOf } from './random-programs.js';

type Make = typeof ours;

const theirs: Make | undefined = pinoPackages.installed ? pinoPackages.require('original').multistream : undefined;
const METADATA = Symbol.for('pino.metadata');
const LEVELS = [
  'trace',
  'debug',
  'info',
  'warn',
  'error',
  'fatal',
  'silent',
  'own',
  'nowhere',
  10,
  20,
  30,
  35,
  40,
  50,
  60,
  0,
  -1,
  undefined,
];
const WRITTEN = [10, 20, 30, 35.5, 40, 50, 60, 100, 'info', 'error', 'own', 'nowhere', undefined];

/** What a random program does with the multistream of one library, line by line. */
function run(make: Make, seed: number): string[] {
  const random = randomOf(seed);
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;
  const did: string[] = [];
  let made = 0;
  const stream = () => {
    const name = `s${made++}`;
    const has = random(8);
    return {
      ...(has & 1 ? { [METADATA]: true } : {}),
      ...(has & 2 ? { flushSync: () => did.push(`${name} flushed`) } : {}),
      write(this: Record<string, unknown>, line: string) {
        did.push(`${name} ${line} ${this.lastLevel} ${this.lastMsg}`);
      },
      end: () => did.push(`${name} ended`),
      emit: (event: string, value: unknown) => did.push(`${name} ${event} ${value}`),
    };
  };
  const entry = () => {
    const level = pick(LEVELS);
    return random(3) === 0
      ? stream()
      : { stream: stream(), ...(level === undefined ? {} : { level }), ...(random(6) ? {} : { levelVal: 33 }) };
  };
  const options = { ...(random(2) ? { levels: { own: 45, info: pick([30, 31]) } } : {}), dedupe: random(2) === 0 };
  let many: Multistream = make(Array.from({ length: random(4) }, entry) as never, options);
  for (let step = 0; step < 25; step++) {
    const act = random(10);
    if (act === 0) many.add(entry() as never);
    else if (act === 1) many.remove(random(6) + 1);
    else if (act === 2 && random(4) === 0) many = many.clone(pick([10, 30, 60]));
    else if (act === 3) many.emit('event', step);
    else if (act === 4) many.flushSync();
    else {
      Object.assign(many, { lastLevel: pick(WRITTEN), lastMsg: `m${step}` });
      many.write(`line${step}`);
    }
    did.push(`${many.minLevel} ${many.streams.map((one) => `${one.id}:${one.level}`)}`);
  }
  many.end();
  return did;
}

describe.runIf(theirs)('random multistreams', () => {
  it('do what those of pino do, in the same order: 3,000 programs of 25 steps', () => {
    for (let seed = 1; seed <= 3_000; seed++) {
      const [found, expected] = [run(ours, seed), run(theirs as Make, seed)];
      if (found.join() !== expected.join()) expect(found, `seed ${seed}`).toEqual(expected);
    }
  });

  it('refuse what is no stream with the same words', () => {
    for (const given of [{}, 5, 'text', [{}], [[]]]) {
      const message = (make: Make) => {
        try {
          make(given as never);
          return 'taken';
        } catch (error) {
          return (error as Error).message;
        }
      };
      expect(message(ours)).toBe(message(theirs as Make));
    }
  });
});

describe('a multistream', () => {
  it('has its streams called when it ends, those without an end too', () => {
    const ended: string[] = [];
    const many = ours([
      { stream: { write: () => true } },
      { stream: { write: () => true, flushSync: () => ended.push('flushed'), end: () => ended.push('ended') } },
    ]);
    many.end();
    expect(ended).toEqual(['flushed', 'ended']);
  });

  it('takes lines of a logger at their levels, and tells its streams the configuration', () => {
    const heard: unknown[] = [];
    const lines: Record<string, string[]> = { all: [], errors: [] };
    const listening = Object.assign(new EventEmitter(), { write: (line: string) => lines.all?.push(line) });
    listening.on('message', (message) => heard.push(message));
    const many = ours([
      { stream: listening, level: 'debug' },
      { stream: { write: (line) => lines.errors?.push(line) }, level: 'error' },
    ]);
    const logger = pino({ level: 'trace', base: null, timestamp: false }, many);
    for (const level of ['trace', 'debug', 'error'] as const) logger[level]?.(level);
    expect(lines).toEqual({
      all: ['{"level":20,"msg":"debug"}\n', '{"level":50,"msg":"error"}\n'],
      errors: ['{"level":50,"msg":"error"}\n'],
    });
    expect(heard).toMatchObject([
      { code: 'PINO_CONFIG', config: { messageKey: 'msg', errorKey: 'err', levels: { values: { info: 30 } } } },
    ]);
  });

  it('costs a stream that is below its level nothing, and goes on with one that was added while a line is written', () => {
    const lines: string[] = [];
    const many = ours([{ level: 'fatal', stream: { write: () => expect.fail('not its level') } }]);
    many.add({ level: 'info', stream: { write: (line) => lines.push(line) } });
    many.lastLevel = 30;
    many.write('x');
    expect(lines).toEqual(['x']);
  });
});
