// The service that the W3C's harness for Trace Context calls: what it is asked to call, it calls inside the context that came in.
// `PORT=5000 npm run -s w3c-server`, then the harness's `python3 test.py http://127.0.0.1:5000/test`.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extract, inject, ROOT_CONTEXT, TracerProvider } from 'kymo';

/** What the harness wants done: `arguments` posted to `url`. */
interface Call {
  readonly url: string;
  readonly arguments?: unknown;
}

const tracer = new TracerProvider({ serviceName: 'w3c-server' }).getTracer('w3c-server');

async function bodyOf(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message.setEncoding('utf8')) text += chunk;
  return text;
}

function post(call: Call): Promise<void> {
  return tracer.trace('POST', { kind: 'client' }, async () => {
    const headers = inject({ 'content-type': 'application/json' });
    const response = await fetch(call.url, { method: 'POST', headers, body: JSON.stringify(call.arguments ?? []) });
    await response.arrayBuffer();
  });
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST' || request.url !== '/test') {
    response.writeHead(404).end();
    return;
  }
  await tracer.trace('POST /test', { kind: 'server', context: extract(request, ROOT_CONTEXT) }, async () => {
    const calls = (JSON.parse(await bodyOf(request)) ?? []) as readonly Call[];
    for (const call of calls) await post(call);
  });
  response.writeHead(200, { 'content-type': 'application/json' }).end('null');
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error));
  });
});

server.listen(Number(process.env.PORT ?? 5_000), '127.0.0.1', () => {
  process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}/test\n`);
});
