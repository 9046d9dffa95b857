// An Express application measured by express-prom-bundle, with a metric of its own beside it.
const express = require('express');
const bundle = require('express-prom-bundle');
const client = require('prom-client');

module.exports = async function start() {
  const app = express();
  app.use(
    bundle({
      includeMethod: true,
      includePath: true,
      includeUp: true,
      customLabels: { project: 'shop', tier: 2 },
      buckets: [0.1, 1, 10, 100],
      promClient: { collectDefaultMetrics: {} },
      normalizePath: [['^/users/.*', '/users/#id']],
    }),
  );
  app.use(
    '/summary',
    bundle({ metricType: 'summary', httpDurationMetricName: 'summary_seconds', autoregister: false, includeUp: false, includePath: true }),
  );
  app.get('/metrics/cluster', bundle.clusterMetrics());
  const sold = new client.Counter({ name: 'sold_total', help: 'Things sold', labelNames: ['what'] });
  app.get('/users/:id', (request, response) => response.send(request.params.id));
  app.get('/summary/one', (_request, response) => response.send('one'));
  app.post('/buy', (_request, response) => {
    sold.inc({ what: 'a "quoted"\\thing\nof two lines' }, 2.5);
    response.status(201).end();
  });
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    port: server.address().port,
    requests: [['/users/1'], ['/users/2'], ['/buy', { method: 'POST' }], ['/summary/one'], ['/nowhere']],
    scrapes: ['/metrics', '/metrics/cluster'],
  };
};
