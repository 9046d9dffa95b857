// An exporter in a module, as an application would write one: appends what it is called with to a file, a line per call.
import { appendFileSync } from 'node:fs';
import { threadId } from 'node:worker_threads';

export function createExporter({ file, crashOn, hangOn, exitOn }) {
  const tell = (line) => appendFileSync(file, `${JSON.stringify({ threadId, ...line })}\n`);
  return {
    async export(spans) {
      tell({ begins: spans.map(({ name }) => name) });
      const names = spans.map(({ name }) => name);
      if (names.includes(crashOn)) setImmediate(() => Promise.reject(new Error('crash on purpose')));
      if (names.includes(exitOn)) process.exit(7);
      if (names.includes(hangOn)) await new Promise(() => undefined);
      if (names.includes(crashOn)) await new Promise(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 5));
      tell({ ends: names });
    },
    forceFlush: () => tell({ flush: true }),
    shutdown: () => tell({ shutdown: true }),
  };
}
