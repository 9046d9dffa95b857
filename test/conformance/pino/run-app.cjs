// Runs one application of apps/: starts it with a stream or a destination, makes its requests one after another, and prints what it logged.
// Usage: node run-app.cjs NAME stream|FILE
const { readFileSync } = require('node:fs');
const pino = require('pino');

const [, , name, where] = process.argv;

async function main() {
  const lines = [];
  const destination = where === 'stream' ? { write: (line) => lines.push(line) } : pino.destination(where);
  const { port, requests, close } = await require(`./apps/${name}.cjs`)(destination);
  for (const path of requests) {
    const headers = { authorization: 'Bearer secret', 'x-request-id': `id-of-${path}`, connection: 'close' };
    await (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).text();
    // The line of a response is written when it has been sent, which the client may be told first.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await close();
  if (where !== 'stream') {
    await new Promise((resolve) => destination.flush(resolve));
    lines.push(...readFileSync(where, 'utf8').split(/(?<=\n)/));
  }
  process.stdout.write(JSON.stringify({ pino: require.resolve('pino'), lines }), () => process.exit());
}

main();
