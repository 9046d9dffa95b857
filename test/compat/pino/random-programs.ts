// Random programs for loggers: options, children and calls, the same for whichever library runs them.
import type { Logger } from '../../../src/compat/pino/logger.js';
import type { Pino } from './original.js';

/** What one step of a program did. */
export interface Step {
  /** Every line that it wrote. */
  readonly lines: readonly string[];
  /** The message of what it threw. */
  readonly threw: string | undefined;
}

type Random = (below: number) => number;

/** Numbers from 0 up, the same for the same seed. */
export function randomOf(seed: number): Random {
  let state = (seed * 2654435761) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

const KEYS = ['a', 'b', 'c', 'secret', 'err', 'msg', 'level', 'time', 'e', 'x y', 'q"', 'toString', '7', '__proto__', 'constructor', 'é'];
const TEXTS = [
  '',
  'plain',
  'with "quotes"',
  'line\nbreak',
  'back\\slash',
  '😀',
  '\u2028',
  '%s and %d',
  '%j|%o|%O',
  '100%',
  '%x%i%f%%',
  'x'.repeat(120),
];

function key(random: Random): string {
  return KEYS[random(KEYS.length)] as string;
}

/** An error whose stack is the same everywhere. */
function error(random: Random): Error {
  const made = random(3) === 0 ? new TypeError(text(random)) : new Error(text(random));
  made.stack = `${made.name}: at nowhere`;
  if (random(3) === 0) Object.assign(made, { code: 'E', details: { deep: [1, { a: 2 }] } });
  if (random(4) === 0) made.cause = Object.assign(new Error('cause'), { stack: 'cause at nowhere' });
  return made;
}

function text(random: Random): string {
  return TEXTS[random(TEXTS.length)] as string;
}

function scalar(random: Random): unknown {
  const all = [
    null,
    undefined,
    true,
    0,
    -0,
    1.5,
    1e21,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    10n,
    Symbol('s'),
    () => 1,
    function named() {},
    new Date(0),
    /r/,
  ];
  return random(2) === 0 ? text(random) : all[random(all.length)];
}

/** Any value; `plain` ones have no cycles and no toJSON, as redaction differs on those on purpose. */
function value(random: Random, plain: boolean, depth = 0, ancestors: readonly object[] = []): unknown {
  const kind = random(depth > 3 ? 6 : 14);
  if (kind < 6) {
    const made = scalar(random);
    return plain && (made instanceof Date || typeof made === 'bigint') ? 5 : made;
  }
  if (kind === 6) return error(random);
  if (kind === 7) return plain ? new Map([[1, 2]]) : { toJSON: (name: string) => ({ name, kept: 1 }) };
  if (kind === 8 && !plain && ancestors.length > 0) return ancestors[random(ancestors.length)];
  if (kind === 9) {
    const list: unknown[] = [];
    for (let length = random(5); length > 0; length--) list.push(value(random, plain, depth + 1, [...ancestors, list]));
    return list;
  }
  return object(random, plain, depth, ancestors);
}

function object(random: Random, plain: boolean, depth = 0, ancestors: readonly object[] = []): object {
  const made: Record<string, unknown> = random(12) === 0 ? Object.create(null) : {};
  for (let length = random(5); length > 0; length--) {
    const inner = value(random, plain, depth + 1, [...ancestors, made]);
    // pino's redaction loses an own `__proto__`.
    const name = key(random);
    Object.defineProperty(made, plain && name === '__proto__' ? 'proto' : name, {
      value: inner,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return made;
}

function path(random: Random): string {
  const names = ['a', 'b', 'c', 'secret', 'err', '*', '["x y"]', '[0]', '[*]', '7'];
  // What pino leaves in the open beside a lone `*` is an exception of its own.
  let made = ['a', 'b', 'c', 'secret', 'err', 'msg'][random(6)] as string;
  if (random(8) === 0) made = `*.${['a', 'b', 'secret'][random(3)]}`;
  for (let more = random(3); more > 0; more--) {
    const name = names[random(names.length)] as string;
    made += name.startsWith('[') ? name : `.${name}`;
  }
  return made;
}

function redact(random: Random): unknown {
  const paths = Array.from({ length: 1 + random(3) }, () => path(random));
  const choices = [
    paths,
    { paths, censor: 'gone' },
    { paths, remove: true },
    { paths, censor: (_value: unknown, at: unknown[]) => at.length },
    { paths, censor: null },
  ];
  return choices[random(choices.length)];
}

function serializers(random: Random): Record<string | symbol, unknown> {
  const made: Record<string | symbol, unknown> = {};
  const functions = [(given: unknown) => typeof given, () => undefined, () => ({ a: 1, secret: 's' }), (given: unknown) => given, () => 7];
  for (let count = random(3); count > 0; count--) made[key(random)] = functions[random(functions.length)];
  return made;
}

function formatters(random: Random): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  if (random(2) === 0) made.level = (label: string, number: number) => ({ label, number });
  if (random(2) === 0) made.bindings = (bindings: object) => ({ ...bindings, added: 1 });
  if (random(2) === 0) made.log = (given: object) => ({ ...given, logged: Object.keys(given).length });
  return made;
}

function options(random: Random, redacts: boolean): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  const maybe = (name: string, make: () => unknown, oneIn = 5): void => {
    if (random(oneIn) === 0) made[name] = make();
  };
  maybe('level', () => ['trace', 'debug', 'warn', 'silent', 30][random(5)]);
  maybe('name', () => text(random));
  maybe('base', () => [null, undefined, {}, { a: 1, pid: 5 }][random(4)], 3);
  maybe('timestamp', () => [false, true, () => ',"t":"then"'][random(3)]);
  maybe('customLevels', () => ({ audit: 35, verbose: 5 }), 4);
  maybe('messageKey', () => ['message', 'a'][random(2)], 6);
  maybe('errorKey', () => ['error', 'e'][random(2)], 6);
  maybe('nestedKey', () => 'payload', 8);
  maybe('msgPrefix', () => ['[p] ', '%s '][random(2)], 6);
  maybe('crlf', () => true, 10);
  maybe('depthLimit', () => 1 + random(4), 8);
  maybe('edgeLimit', () => 1 + random(4), 8);
  maybe('serializers', () => serializers(random), 4);
  maybe('formatters', () => formatters(random), 4);
  if (redacts) maybe('redact', () => redact(random), 2);
  maybe('mixin', () => (given: object, level: number) => ({ mixed: Object.keys(given).join(), level }), 6);
  maybe('mixinMergeStrategy', () => (given: object, mixed: object) => ({ ...mixed, ...given }), 6);
  maybe('levelComparison', () => ['ASC', 'DESC', (current: number, expected: number) => current !== expected][random(3)], 10);
  maybe(
    'hooks',
    () => ({
      logMethod(this: unknown, values: unknown[], method: (...all: unknown[]) => void, level: number) {
        method.apply(this, level === 40 ? values.reverse() : values);
      },
    }),
    8,
  );
  return made;
}

function childOptions(random: Random, redacts: boolean): Record<string, unknown> | undefined {
  if (random(2) === 0) return undefined;
  const made: Record<string, unknown> = {};
  if (random(4) === 0) made.level = ['trace', 'info', 'error'][random(3)];
  if (random(4) === 0) made.msgPrefix = '<c> ';
  if (random(4) === 0) made.serializers = serializers(random);
  if (random(5) === 0) made.formatters = formatters(random);
  if (redacts && random(4) === 0) made.redact = redact(random);
  if (random(6) === 0) made.customLevels = { notice: 32 };
  return made;
}

/** Runs the program of `seed`, `steps` calls, and says what each did. */
export function run(pino: Pino, seed: number, steps: number): Step[] {
  const random = randomOf(seed);
  let lines: string[] = [];
  const done: Step[] = [];
  const redacts = random(2) === 0;
  const given = options(random, redacts);
  const plain = redacts || random(2) === 0;
  const attempt = (step: () => void): void => {
    let threw: string | undefined;
    try {
      step();
    } catch (thrown) {
      threw = (thrown as Error).message;
    }
    done.push({ lines, threw });
    lines = [];
  };

  const loggers: Logger[] = [];
  attempt(() => {
    const root = pino(given, { write: (line: string) => lines.push(line) });
    root.on('level-change', (...values: unknown[]) => lines.push(JSON.stringify(values.slice(0, 4))));
    loggers.push(root);
  });
  const methods = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'audit', 'verbose', 'notice'];
  for (let step = 0; step < steps && loggers.length > 0; step++) {
    const logger = loggers[random(loggers.length)] as Logger & Record<string, (...values: unknown[]) => unknown>;
    const kind = random(12);
    if (kind === 0) {
      const [bindings, options] = [object(random, true), childOptions(random, redacts)];
      // An own `hasOwnProperty` or none at all makes pino throw: both have a test of their own.
      attempt(() => void loggers.push(logger.child({ ...bindings }, options)));
    } else if (kind === 1) {
      const level = ['info', 'trace', 'silent', 40, 'nowhere'][random(5)];
      attempt(() => (logger.level = level as string));
    } else if (kind === 2) {
      const bindings = object(random, true);
      attempt(() => void logger.setBindings?.({ ...bindings }));
    } else if (kind === 3) {
      attempt(
        () => void lines.push(JSON.stringify([logger.bindings?.(), logger.level, logger.msgPrefix, logger.isLevelEnabled?.('info')])),
      );
    } else {
      const method = methods[random(methods.length)] as string;
      const values: unknown[] = [];
      const first = random(6);
      if (first < 3) values.push(object(random, plain));
      else if (first === 3) values.push(error(random));
      else if (first === 4) values.push(value(random, plain));
      for (let more = random(4); more > 0; more--) values.push(random(2) === 0 ? text(random) : value(random, plain));
      attempt(() => {
        if (typeof logger[method] === 'function') logger[method](...values);
      });
    }
  }
  return done;
}
