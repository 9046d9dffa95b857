// How often lines of one kind are written: windows of time per key, told by a monotonic clock, in a table that does not grow. App threads.
import { Buffer } from 'node:buffer';
import { perThread } from '../binding/per-thread.js';
import { ROOT_CONTEXT, runInContext } from '../context/context.js';

/** Keys that are remembered per logger; the one whose window began first gives way. */
export const MAX_KEYS = 1_000;
/** UTF-16 code units of a key that tell it from others. */
const MAX_KEY = 1_000;

/** What became of the lines of one key since the last one that was written. */
interface Window {
  readonly end: number;
  readonly intervalMs: number;
  /** Lines that were not written. */
  suppressed: number;
  /** The highest level among those, number inside. */
  level: number;
  /** The summary was written. */
  told: boolean;
}

/** What a window says at its end. */
export interface Suppressed {
  readonly key: string;
  readonly suppressed: number;
  readonly window_ms: number;
}

/** A copy that shares nothing with a longer text that it was cut from: what is remembered must not keep that alive. About 0.3 us. */
export function ownText(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}

/** Tables that have something to say when the thread ends; the process is listened to by the first one. */
function pendingTables(): Set<Windows> {
  return perThread('logs.windows', () => {
    const tables = new Set<Windows>();
    process.on('exit', () => {
      for (const table of tables) table.flush();
    });
    return tables;
  });
}

/**
 * Windows by key. When a window ends in which something was suppressed, that is told, also when no further call comes, and when the thread
 * ends before. The timer holds no process.
 */
export class Windows {
  readonly #tell: (level: number, what: Suppressed) => void;
  readonly #windows = new Map<string, Window>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  /** @param tell writes the summary of a window; must not throw */
  constructor(tell: (level: number, what: Suppressed) => void) {
    this.#tell = tell;
  }

  /** Whether a line may be written now: the number of lines that were suppressed since the last one, or -1 to suppress this one. */
  turn(given: string, intervalMs: number, level: number): number {
    const key = given.length > MAX_KEY ? given.slice(0, MAX_KEY) : given;
    const now = performance.now();
    const window = this.#windows.get(key);
    if (window !== undefined && now < window.end) {
      if (window.suppressed++ === 0) this.#expect(window.end, now);
      if (level > window.level) window.level = level;
      return -1;
    }
    if (window !== undefined) this.#windows.delete(key);
    else if (this.#windows.size >= MAX_KEYS) this.#evict();
    this.#windows.set(ownText(key), { end: now + intervalMs, intervalMs, suppressed: 0, level, told: false });
    return window?.suppressed ?? 0;
  }

  /** Tells of every window in which something was suppressed, as if it had ended. */
  flush(): void {
    this.#tellUntil(Number.POSITIVE_INFINITY);
  }

  #evict(): void {
    const [oldest] = this.#windows as Iterable<[string, Window]>;
    if (oldest === undefined) return;
    this.#windows.delete(oldest[0]);
    this.#tellOf(oldest[0], oldest[1]);
  }

  #expect(end: number, now: number): void {
    pendingTables().add(this);
    if (end >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = end;
    // Outside of any request: the summary belongs to none, and the timer must not keep one alive.
    this.#timer = runInContext(ROOT_CONTEXT, () => setTimeout(() => this.#atEnd(), Math.max(0, end - now) + 1));
    this.#timer.unref();
  }

  #atEnd(): void {
    const now = performance.now();
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const next = this.#tellUntil(now);
    if (next === Number.POSITIVE_INFINITY) pendingTables().delete(this);
    else this.#expect(next, now);
  }

  /** Tells of the windows that have ended by `now`; when the next one does. */
  #tellUntil(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const [key, window] of this.#windows) {
      if (window.suppressed === 0 || window.told) continue;
      if (window.end > now) next = Math.min(next, window.end);
      else this.#tellOf(key, window);
    }
    return next;
  }

  #tellOf(key: string, window: Window): void {
    const { suppressed, intervalMs, level, told } = window;
    if (suppressed === 0 || told) return;
    window.told = true;
    this.#tell(level, { key, suppressed, window_ms: intervalMs });
  }
}
