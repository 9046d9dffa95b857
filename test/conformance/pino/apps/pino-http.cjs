// A server of node:http with pino-http: levels by status, messages, properties, serializers that are wrapped, a logger per request.
const { createServer } = require('node:http');
const pino = require('pino');
const pinoHttp = require('pino-http');

module.exports = async function start(destination) {
  let count = 0;
  const http = pinoHttp(
    {
      genReqId: () => ++count,
      customLogLevel: (_request, response, error) =>
        error || response.statusCode >= 500 ? 'error' : response.statusCode >= 400 ? 'warn' : 'info',
      customSuccessMessage: (request, response) => `${request.method} ${response.statusCode}`,
      customErrorMessage: (_request, _response, error) => `failed: ${error.message}`,
      customProps: (request) => ({ path: request.url }),
      customAttributeKeys: { responseTime: 'ms' },
      serializers: {
        req: pino.stdSerializers.wrapRequestSerializer(({ id, method, url }) => ({ id, method, url })),
        res: ({ statusCode }) => ({ statusCode }),
      },
      quietReqLogger: false,
      redact: ['secret'],
    },
    destination,
  );
  const server = createServer((request, response) => {
    http(request, response);
    request.log.info({ secret: 'key', seen: true }, 'handled');
    response.statusCode = request.url === '/wrong' ? 404 : request.url === '/failed' ? 500 : 200;
    if (request.url === '/failed') response.err = Object.assign(new Error('on purpose'), { code: 'E_PURPOSE' });
    response.end('done');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    requests: ['/right', '/wrong', '/failed'],
    close: () => new Promise((resolve) => server.close(resolve)),
  };
};
