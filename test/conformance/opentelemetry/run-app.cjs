// Runs one application on the drop-in or on OpenTelemetry's SDK and prints what came out as JSON:
//   node run-app.cjs <application> <kymo | sdk> [esm]
const { setUp } = require('./setup.cjs');

const [application, which, form] = process.argv.slice(2);
const { instrumentations, run } = require(`./apps/${application}.cjs`);
const { finish } = setUp(which, instrumentations());

(async () => {
  // Modules that are instrumented are loaded after the instrumentations, in the form that is asked for.
  if (form === 'esm')
    require('node:module').register('@opentelemetry/instrumentation/hook.mjs', require('node:url').pathToFileURL(__filename));
  const load = form === 'esm' ? async (name) => import(name) : async (name) => require(name);
  await run(load);
  const found = await finish();
  process.stdout.write(JSON.stringify(found), () => process.exit());
})();
