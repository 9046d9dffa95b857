// Runs one application of apps/: starts it, makes its requests one after another, prints what its scrapes answered, and ends.
// Usage: node run-app.cjs NAME
const start = require(`./apps/${process.argv[2]}.cjs`);

async function main() {
  const { port, requests, scrapes } = await start();
  const ask = async (path, init) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    return { path, status: response.status, type: response.headers.get('content-type'), body: await response.text() };
  };
  for (const [path, init] of requests) await ask(path, init);
  const answers = [];
  for (const path of scrapes) answers.push(await ask(path));
  process.stdout.write(JSON.stringify({ client: require.resolve('prom-client'), answers }), () => process.exit());
}

main();
