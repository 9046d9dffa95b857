// Log records straight into the ring of the thread, and sinks on routes of their own, for tests of what comes behind them.
import { LOG_TRACED } from '../../src/binding/generated/layout.js';
import { native } from '../../src/binding/load.js';
import { logRing } from '../../src/binding/log-ring.js';
import type { LogCall } from '../../src/binding/log-writer.js';
import type { LogSink, OpenedSink } from '../../src/logs/sinks/sink.js';

let routes = 0;

/** A route that leads to sinks. */
export class NativeLogs {
  readonly route: number;
  readonly opened: readonly OpenedSink[];

  constructor(...sinks: readonly LogSink[]) {
    routes += 1;
    this.route = native.logRoute(`test ${routes}`);
    this.opened = sinks.map((sink) => sink.open({ format: 0, service: 'shop' }));
    native.logRouteSet(
      this.route,
      this.opened.map(({ records }) => ({ minLevel: 0, ...(records === undefined ? {} : { records }) })),
    );
  }

  /** Writes a record, at level info without logger or trace unless `call` says otherwise. */
  write(message: unknown, fields?: object, { error, ...call }: Partial<LogCall> & { error?: unknown } = {}): boolean {
    const ring = logRing();
    const nothing = { bits: 0, logger: -1, t0: 0, t1: 0, t2: 0, t3: 0, s0: 0, s1: 0, bindings: undefined, context: undefined };
    Object.assign(ring.call, nothing, { level: 30, route: this.route, time: 1_700_000_000_123 }, call);
    return ring.write(message, fields, error);
  }

  flush(timeoutMs = 20_000): Promise<boolean[]> {
    return Promise.all(this.opened.map((sink) => sink.flush?.(timeoutMs) ?? true));
  }

  close(timeoutMs = 5_000): Promise<boolean[]> {
    native.logRouteSet(this.route, []);
    return Promise.all(this.opened.map((sink) => sink.close(timeoutMs)));
  }
}

/** Bits of a record in the trace whose words are given. */
export const TRACED = LOG_TRACED | 1;
