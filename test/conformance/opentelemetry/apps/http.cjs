// A service of `node:http` that calls itself: nested requests, an error, a connection that is refused, baggage.
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { context, propagation, trace } = require('@opentelemetry/api');

exports.instrumentations = () => [new HttpInstrumentation()];

exports.run = async (load) => {
  const loaded = await load('http');
  const http = loaded.default ?? loaded;
  const get = (path, port) =>
    new Promise((resolve, reject) => {
      const request = http.get({ host: '127.0.0.1', port, path }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve([response.statusCode, text]));
      });
      request.on('error', reject);
    });
  const tracer = trace.getTracer('application', '2.0');
  const server = http.createServer((request, response) => {
    if (request.url === '/leaf') {
      trace.getActiveSpan().setAttribute('user', propagation.getBaggage(context.active())?.getEntry('user')?.value ?? 'none');
      response.end('leaf');
    } else if (request.url === '/broken') {
      response.statusCode = 500;
      response.end('broken');
    } else {
      tracer.startActiveSpan('work', async (span) => {
        span.addEvent('asking', { 'answers.expected': 1 });
        const [, text] = await get('/leaf', server.address().port);
        span.end();
        response.end(`parent of ${text}`);
      });
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const baggage = propagation.createBaggage({ user: { value: 'Ada L' } });
  await context.with(propagation.setBaggage(context.active(), baggage), () => get('/parent?x=1', port));
  await get('/broken', port);
  await get('/refused', 1).catch(() => undefined);
  await new Promise((resolve) => server.close(resolve));
};
