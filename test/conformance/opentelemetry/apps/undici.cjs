// `fetch` of Node and the package undici, against a local service: an answer, an error, a refused connection; in a span and without.
const { createServer } = require('node:http');
const { UndiciInstrumentation } = require('@opentelemetry/instrumentation-undici');
const { SpanStatusCode, trace } = require('@opentelemetry/api');

exports.instrumentations = () => [new UndiciInstrumentation()];

exports.run = async (load) => {
  const { request } = await load('undici');
  const seen = [];
  const server = createServer((incoming, response) => {
    seen.push(incoming.headers.traceparent);
    response.statusCode = incoming.url === '/missing' ? 404 : 200;
    response.end('answer');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${server.address().port}`;
  await trace.getTracer('application').startActiveSpan('work', async (span) => {
    await Promise.all([
      fetch(`${base}/a?q=1`).then((response) => response.text()),
      fetch(`${base}/missing`).then((response) => response.text()),
    ]);
    await (await request(`${base}/b`, { method: 'POST', body: 'text' })).body.text();
    await fetch('http://127.0.0.1:1/').catch((error) => span.recordException(error));
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'one was refused' });
    span.end();
  });
  await (await fetch(`${base}/alone`)).text();
  if (seen.some((header) => !/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]$/.test(header))) throw new Error(`sent ${seen}`);
  server.closeAllConnections();
  server.close();
};
