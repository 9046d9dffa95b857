// Which patterns are looked for in texts, and by whom: the collector, or this thread before a text gets into the ring. Compiled by native
// code, so that both run the same steps. App threads; cold, but for `scrub`.
import { native } from '../../binding/load.js';
import { KymoError } from '../../core/errors.js';
import { TextScrubber } from './text-scrubber.js';

/** Names of the patterns that come with Kymo. */
export const SecretPattern = Object.freeze({
  jwt: 'jwt',
  bearer: 'bearer',
  basic: 'basic',
  awsKey: 'aws-key',
  gcpKey: 'gcp-key',
  githubToken: 'github-token',
  gitlabToken: 'gitlab-token',
  slackToken: 'slack-token',
  stripeKey: 'stripe-key',
  apiKey: 'api-key',
  privateKey: 'private-key',
  urlUserinfo: 'url-userinfo',
  cardNumber: 'card-number',
} as const);

/** Name of a pattern that comes with Kymo. */
export type SecretPattern = (typeof SecretPattern)[keyof typeof SecretPattern];

/** A pattern of one's own, with a name for {@link explainRedaction}. */
export interface RedactPattern {
  readonly name: string;
  /** At least three characters that stand as they are, then classes with counts; a group, if any, is what is hidden. */
  readonly pattern: RegExp | string;
}

/** A secret found in a text: `[start, end)` in UTF-16 code units. */
export interface Finding {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** What native code is told: a pattern of its own by name, or a source. */
export interface PatternSource {
  readonly name: string;
  readonly source?: string;
  readonly ignoreCase: boolean;
}

/** Compiled patterns. */
export interface TextPatterns {
  readonly isEmpty: boolean;
  /** True when texts are looked at by the thread that writes them. */
  readonly beforeRing: boolean;
  readonly censor: string;
  /** For the collector, which looks at everything in any case: bindings of workers, lines of others. */
  readonly sources: readonly PatternSource[];
  /** The text with the censor's text in the place of what was found; the same text when nothing was. Linear but for own expressions. */
  scrub(text: string): string;
  /** What is found in a text, in its order. */
  find(text: string): readonly Finding[];
}

const NAMES: readonly string[] = Object.values(SecretPattern);

/**
 * Compiles patterns.
 *
 * @throws KymoError `KYMO_LOG_REDACT_PATTERN` for a name that is not known, and for an expression that native code could not run in
 * linear time. With `beforeRing` such an expression runs on this thread only, as it is.
 */
export function compilePatterns(
  patterns: true | readonly (SecretPattern | RegExp | RedactPattern)[] | undefined,
  censor: string,
  beforeRing: boolean,
): TextPatterns {
  if (patterns !== undefined && patterns !== true && !Array.isArray(patterns)) {
    throw new KymoError('KYMO_LOG_REDACT_OPTION', { option: 'patterns', value: patterns, expected: 'true or a list of patterns' });
  }
  const sources: PatternSource[] = [];
  const expressions: { name: string; expression: RegExp }[] = [];
  for (const entry of patterns === true ? NAMES : (patterns ?? [])) {
    const { name, pattern } = named(entry);
    if (pattern === undefined) {
      sources.push({ name, ignoreCase: false });
      continue;
    }
    const source = sourceOf(name, pattern);
    const problem = native.logScrubProblem(source);
    if (problem === null) sources.push(source);
    else if (beforeRing && pattern instanceof RegExp) expressions.push({ name, expression: new RegExp(pattern, globally(pattern.flags)) });
    else throw new KymoError('KYMO_LOG_REDACT_PATTERN', { pattern: source.source, problem });
  }
  let scrubber: TextScrubber | undefined;
  // The steps are asked for by whoever looks at a text on this thread.
  const own = (): TextScrubber => {
    scrubber ??= new TextScrubber(native.logScrubPatterns(sources), expressions, censor);
    return scrubber;
  };
  return {
    isEmpty: sources.length + expressions.length === 0,
    beforeRing,
    censor,
    sources,
    scrub: (text) => own().scrub(text),
    find: (text) => own().find(text),
  };
}

function named(entry: unknown): { readonly name: string; readonly pattern?: RegExp | string } {
  if (entry instanceof RegExp) return { name: String(entry), pattern: entry };
  if (typeof entry === 'string') {
    if (NAMES.includes(entry)) return { name: entry };
    throw new KymoError('KYMO_LOG_REDACT_PATTERN', { pattern: entry, problem: `no pattern is called so; there are ${NAMES.join(', ')}` });
  }
  const { name, pattern } = (entry ?? {}) as Partial<RedactPattern>;
  if (typeof name === 'string' && name !== '' && (typeof pattern === 'string' || pattern instanceof RegExp)) return { name, pattern };
  throw new KymoError('KYMO_LOG_REDACT_PATTERN', { pattern: entry, problem: 'it is neither a name, nor an expression, nor both' });
}

function sourceOf(name: string, pattern: RegExp | string): PatternSource & { readonly source: string } {
  if (typeof pattern === 'string') return { name, source: pattern, ignoreCase: false };
  return { name, source: pattern.source, ignoreCase: pattern.ignoreCase };
}

function globally(flags: string): string {
  return `${flags.replace(/[gy]/g, '')}g`;
}
