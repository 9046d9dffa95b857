// A Fastify application measured by fastify-metrics: histogram and summary of every route, default labels, the application's own metrics.
const fastify = require('fastify');
const measure = require('fastify-metrics');

module.exports = async function start() {
  const app = fastify();
  await app.register(measure, {
    endpoint: '/metrics',
    defaultMetrics: { enabled: true, prefix: 'shop_' },
    routeMetrics: {
      overrides: {
        histogram: { buckets: [1, 10] },
        summary: { percentiles: [0.5, 0.99] },
        labels: { method: 'verb', status: 'code' },
      },
    },
  });
  const { client } = app.metrics;
  client.register.setDefaultLabels({ region: 'eu-1' });
  const sizes = new client.Summary({
    name: 'order_lines',
    help: 'Lines of an order',
    percentiles: [0.5, 0.9],
    maxAgeSeconds: 600,
    ageBuckets: 5,
  });
  app.get('/orders/:id', async (request) => {
    for (let size = 1; size <= 100; size++) sizes.observe(size);
    return { id: request.params.id };
  });
  app.get('/broken', async () => {
    throw new Error('broken');
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    port: app.server.address().port,
    requests: [['/orders/1'], ['/orders/2'], ['/broken'], ['/nowhere']],
    scrapes: ['/metrics'],
  };
};
