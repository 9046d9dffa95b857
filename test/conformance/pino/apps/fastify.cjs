// A Fastify application with its own logger: requests, children with serializers and bindings, errors, levels, redaction.
const fastify = require('fastify');

module.exports = async function start(destination) {
  const app = fastify({
    logger: {
      level: 'debug',
      stream: destination,
      redact: ['req.headers.authorization', 'card.number'],
      serializers: {
        req: (request) => ({ method: request.method, url: request.url, headers: { authorization: request.headers.authorization } }),
      },
    },
    childLoggerFactory: (logger, bindings, options) => logger.child({ ...bindings, app: 'shop' }, options),
    requestIdHeader: 'x-request-id',
  });
  app.get('/orders/:id', { logLevel: 'info', logSerializers: { order: (order) => `#${order}` } }, async (request) => {
    request.log.info({ order: request.params.id, card: { number: '4111' } }, 'order %s', request.params.id);
    request.log.debug('not at this level');
    return { id: request.params.id };
  });
  app.get('/broken', async () => {
    throw Object.assign(new Error('broken'), { statusCode: 503, details: { a: 1 } });
  });
  app.register(
    async (scope) => {
      scope.log.warn({ in: 'a plugin' });
      scope.get('/scoped', async (request) => {
        request.log.child({ deep: true }).error(new TypeError('logged'));
        return 'scoped';
      });
    },
    { logLevel: 'warn' },
  );
  await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    port: app.server.address().port,
    requests: ['/orders/1', '/orders/2', '/broken', '/scoped', '/nowhere'],
    close: () => app.close(),
  };
};
