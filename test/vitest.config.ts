// How the TypeScript tests run: light files two at a time, then those that start processes, servers or load alone, one after
// another, so that none disturbs the other on a machine of two cores.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Folders whose tests start child processes, servers or worker threads under load. */
const HEAVY = [
  'test/{bench,binding,conformance,demo,examples,faults,ops,recorder}/**/*.test.ts',
  'test/compat/pino/{exports,transport}.test.ts',
  'test/compat/prom-client/{cluster,exports,worker}.test.ts',
  'test/compat/{opentelemetry,pino}/exports.test.ts',
  'test/export/pipeline.test.ts',
];

export default defineConfig({
  root,
  // CommonJS modules in TypeScript, which Vite leaves alone by default.
  oxc: { include: /\.[cm]?ts$/ },
  test: {
    // A process per file: what a test leaves behind in the addon ends with it.
    pool: 'forks',
    globalSetup: ['test/memory-folder.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'light',
          include: ['test/**/*.test.ts'],
          exclude: HEAVY,
          maxWorkers: 2,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'heavy',
          include: HEAVY,
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      // `npm run test:peers`: judged by servers that take minutes to build, and so no part of `npm test`.
      ...(process.env.KYMO_TEST_PEERS === undefined
        ? []
        : [
            {
              extends: true as const,
              test: { name: 'peers', include: ['test/**/*.peer.ts'], fileParallelism: false, maxWorkers: 1, testTimeout: 60_000 },
            },
          ]),
    ],
  },
});
