// Renders the guides that are derived from a table: src/core/README.md from ERRORS, src/config/README.md from OPTIONS.
import { OPENTELEMETRY_VARIABLES } from '../../src/config/opentelemetry.js';
import { OPTIONS } from '../../src/config/options.js';
import { ERRORS } from '../../src/core/errors.js';

/** The command that writes both files again. */
export const REWRITE = 'npx vitest run --config test/vitest.config.ts test/architecture/tables.test.ts --update';

const NOTICE = `<!-- Generated from a table in the source by \`${REWRITE}\`: do not edit. -->\n`;

const cell = (text: string): string => text.replaceAll('|', '\\|');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |\n`).join('');
}

/** src/core/README.md */
export function errorsGuide(): string {
  const rows = Object.entries(ERRORS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { what, fix }]) => [`\`${code}\``, what.replaceAll(/\{(\w+)\}/g, '*$1*'), fix]);
  return `${NOTICE}
# Errors

Every error that Kymo throws is a \`KymoError\`: it has a stable \`code\`, a message that starts with the code and names the failing
values, and \`fix\`, one sentence on what to do. Match on \`code\`, never on the text. \`KymoError.is(error)\` also holds for an error
thrown by another copy of the package.

\`\`\`ts
try {
  await ops.start();
} catch (error) {
  if (!KymoError.is(error)) throw error;
  console.error(error.code, error.fix);
}
\`\`\`

Values of messages are cut to 200 characters, with control characters escaped. Recording never throws: a bad value at run time is
dropped and counted.

${table(['code', 'what happened', 'what to do'], rows)}`;
}

/** src/config/README.md */
export function optionsGuide(): string {
  const rows = Object.entries<{
    env: readonly string[];
    type: string;
    default: unknown;
    words?: readonly string[];
    range?: readonly number[];
    doc: string;
  }>(OPTIONS).map(([name, row]) => {
    const accepted = row.words
      ? row.words.map((word) => `\`${word}\``).join(', ')
      : row.range
        ? `${row.type} in [${row.range.join(', ')}]`
        : row.type;
    const fallback = row.default === undefined ? '-' : `\`${row.default}\``;
    return [row.env.map((key) => `\`${key}\``).join(', then '), `\`${name}\``, accepted, fallback, row.doc];
  });
  return `${NOTICE}
# Options

Process-wide options come from the environment, since the memory is laid out before any code of the application runs. They are read
once. An empty variable counts as unset; a value that cannot be used throws \`KYMO_CONFIG_VALUE\`, which names the variable, the value
and what is accepted. Sizes take the suffixes k, m and g (powers of 1024).

${table(['variable', 'option', 'accepts', 'default', 'meaning'], rows)}
## OpenTelemetry

Read when tracing or logging is configured, by the rules of the specification: an empty variable counts as unset, words are taken in any case, and
what cannot be used is ignored with a warning (\`KYMO_CONFIG_IGNORED\`). Options in code go before all of them.

${table(['variable', 'accepts', 'default', 'meaning'], openTelemetryRows())}`;
}

function openTelemetryRows(): string[][] {
  return Object.values<{
    env: readonly string[];
    type: string;
    words?: readonly string[];
    range?: readonly number[];
    fallback: string;
    doc: string;
  }>(OPENTELEMETRY_VARIABLES).map(({ env, type, words, range, fallback, doc }) => {
    const numbers = range ? `integer in [${range.join(', ')}]` : type === 'timeout' ? 'milliseconds' : type;
    const accepted = words ? words.map((word) => `\`${word}\``).join(', ') : type === 'pairs' ? 'key=value,...' : numbers;
    return [env.map((name) => `\`${name}\``).join(', then '), accepted, fallback, doc];
  });
}
