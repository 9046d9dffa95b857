// The libraries we compare with, loaded from bench/peers and from nowhere else. Main thread of a row's process.
import { createRequire } from 'node:module';
import type * as OpenTelemetryMetrics from '@opentelemetry/sdk-metrics';
import type * as PromClient from 'prom-client';
import { PEERS } from './places.js';

/** What `require('prom-client')` gives. */
export type { PromClient };

/** Loads prom-client; takes about 30 ms. */
export function loadPromClient(): typeof PromClient {
  return createRequire(PEERS)('prom-client');
}

/** Loads @platformatic/prom-client, a quicker prom-client of the same interface. */
export function loadPlatformaticClient(): typeof PromClient {
  return createRequire(PEERS)('@platformatic/prom-client');
}

/** A fresh prom-client registry, apart from the library's global one. */
export function promRegistry(client: typeof PromClient): PromClient.Registry {
  return new client.Registry();
}

/** Loads OpenTelemetry's metrics SDK. */
export function loadOpenTelemetry(): typeof OpenTelemetryMetrics {
  return createRequire(PEERS)('@opentelemetry/sdk-metrics');
}
