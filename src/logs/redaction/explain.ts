// What redaction would do to an object, found by showing it to the rules as the writer of records does. App threads; cold.
import { logRing } from '../../binding/log-ring.js';
import { REDACT_CUSTOM, type Redaction } from '../../binding/redaction.js';
import { settings } from '../settings.js';
import type { Redact, RedactAction } from './options.js';
import { CompiledRedaction } from './redaction.js';

/** Something that would not be written as it is. */
export interface RedactionFinding {
  /** Where it is, as a path that redaction takes. */
  readonly path: string;
  /** What happens to it; of a pattern, to the part that it found. */
  readonly action: RedactAction | 'function';
  /** What kind of rule found it... */
  readonly kind: 'path' | 'name' | 'pattern';
  /** ...and which one, as it was written. */
  readonly rule: string;
  /** When: before the line is in the ring, or behind it, before any sink. */
  readonly when: 'before-ring' | 'before-sinks';
  /** Of a pattern: the part of the text, in UTF-16 code units. */
  readonly start?: number;
  readonly end?: number;
}

/**
 * Says what redaction would do to the fields of a line: after `toJSON`, with the properties of errors and the entries of maps, as the
 * fields would be written. Nothing is written, and no value is part of the answer. Cold: some 10 us for a small object.
 *
 * @param redact what to redact; without it, what the logs of this thread redact now.
 * @throws KymoError as {@link compileRedaction}, and nothing else: what throws inside of the object is a value that is not there.
 */
export function explainRedaction(object: object, redact?: Redact): readonly RedactionFinding[] {
  const rules = redact === undefined ? settings.redaction : new CompiledRedaction(redact);
  if (!(rules instanceof CompiledRedaction) || typeof object !== 'object' || object === null) return [];
  const eye = new Eye(rules);
  logRing().show(object, eye);
  return eye.findings;
}

/** Writes down what rules say about what it is shown. */
class Eye implements Redaction {
  readonly root: number;
  readonly hasText = true;
  readonly path: string[] = [];
  readonly findings: RedactionFinding[] = [];
  readonly #redaction: CompiledRedaction;
  #rule = -1;

  constructor(redaction: CompiledRedaction) {
    this.#redaction = redaction.followed();
    this.root = this.#redaction.root;
  }

  isFlagged(): boolean {
    return true;
  }

  step(state: number, key: string): number {
    const next = this.#redaction.step(state, key);
    if (next >= 0) return next;
    this.#rule = this.#redaction.ruleFor(state, key);
    // What is left out is shown too.
    return REDACT_CUSTOM;
  }

  replace(): unknown {
    const rule = this.#redaction.rules[this.#rule];
    if (rule !== undefined) {
      const action = rule.action === 'censor' && typeof rule.censor === 'function' ? 'function' : rule.action;
      this.findings.push({ path: pathOf(this.path), action, kind: rule.kind, rule: rule.source, when: 'before-ring' });
    }
    return null;
  }

  text(value: string): string {
    const { patterns } = this.#redaction;
    const when = patterns.beforeRing ? 'before-ring' : 'before-sinks';
    for (const { name, start, end } of patterns.find(value)) {
      this.findings.push({ path: pathOf(this.path), action: 'censor', kind: 'pattern', rule: name, when, start, end });
    }
    return value;
  }
}

/** Keys as a path: bare where that reads back as the same key. */
function pathOf(keys: readonly string[]): string {
  let path = '';
  for (const key of keys) {
    if (/^(0|[1-9]\d{0,9})$/.test(key) && path !== '') path += `[${key}]`;
    else if (/^[\p{L}_@][\p{L}\p{N}_@]*$/u.test(key)) path += path === '' ? key : `.${key}`;
    else path += `["${key.replace(/["\\]/g, '\\$&')}"]`;
  }
  return path;
}
