// Entry of `npm start`: reads the command line, runs the demo, turns signals into a clean end. Main thread.
import './service.js';
import { runDemo } from './demo.js';
import { helpText, parseOptions } from './options.js';
import { Screen } from './screen.js';

/** npm passes a terminal's Ctrl-C on to us, who got it from the terminal as well: one key press, up to two signals. */
const SAME_KEY_PRESS_MS = 300;

/** The signal that ends the run: the first Ctrl-C, SIGTERM or SIGHUP, or a reader of our output that went away. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  let firstMs = Number.POSITIVE_INFINITY;
  const onSignal = (): void => {
    if (performance.now() - firstMs > SAME_KEY_PRESS_MS) process.exit(0);
    firstMs = Math.min(firstMs, performance.now());
    stop.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  process.stdout.on('error', () => stop.abort());
  return stop.signal;
}

async function main(): Promise<void> {
  const parsed = parseOptions(process.argv.slice(2));
  if (parsed.kind === 'help') {
    process.stdout.write(helpText());
    return;
  }
  if (parsed.kind === 'usage') {
    process.stderr.write(`${parsed.problem}\nnpm start -- --help lists the options\n`);
    process.exitCode = 2;
    return;
  }
  try {
    await runDemo(parsed.options, new Screen(process.stdout), stopSignal());
  } catch (error) {
    process.stderr.write(`the demo failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  }
}

await main();
