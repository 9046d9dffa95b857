// An Express application measured by prometheus-api-metrics, which scrapes as text and as JSON.
const express = require('express');
const measure = require('prometheus-api-metrics');
const client = require('prom-client');

module.exports = async function start() {
  const app = express();
  app.use(measure({ durationBuckets: [0.5, 5], requestSizeBuckets: [1, 100], responseSizeBuckets: [1, 100], metricsPrefix: 'shop' }));
  app.use(express.json());
  const open = new client.Gauge({ name: 'open_carts', help: 'Carts that wait', labelNames: ['country'] });
  app.post('/carts/:id', (request, response) => {
    open.labels(request.body.country).inc();
    response.json({ id: request.params.id });
  });
  app.get('/carts/:id', (_request, response) => response.status(404).json({ error: 'gone' }));
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const headers = { 'content-type': 'application/json' };
  return {
    port: server.address().port,
    requests: [
      ['/carts/1', { method: 'POST', headers, body: '{"country":"FR"}' }],
      ['/carts/2', { method: 'POST', headers, body: '{"country":"Ελλάδα"}' }],
      ['/carts/3'],
    ],
    scrapes: ['/metrics', '/metrics.json'],
  };
};
