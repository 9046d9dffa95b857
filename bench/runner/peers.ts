// The libraries we compare with, loaded from bench/peers and from nowhere else. Main thread of a row's process.
import { createRequire } from 'node:module';
import type * as OpenTelemetryApi from '@opentelemetry/api';
import type * as OpenTelemetryContexts from '@opentelemetry/context-async-hooks';
import type * as OpenTelemetryCore from '@opentelemetry/core';
import type * as OpenTelemetryOtlp from '@opentelemetry/exporter-trace-otlp-proto';
import type * as OpenTelemetryMetrics from '@opentelemetry/sdk-metrics';
import type * as OpenTelemetryTraces from '@opentelemetry/sdk-trace-base';
import type Pino from 'pino';
import type * as PromClient from 'prom-client';
import type * as Winston from 'winston';
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

/** Loads pino. */
export function loadPino(): typeof Pino {
  return createRequire(PEERS)('pino');
}

/** Loads winston. */
export function loadWinston(): typeof Winston {
  return createRequire(PEERS)('winston');
}

/** Loads OpenTelemetry's metrics SDK. */
export function loadOpenTelemetry(): typeof OpenTelemetryMetrics {
  return createRequire(PEERS)('@opentelemetry/sdk-metrics');
}

/** Loads OpenTelemetry's trace SDK. */
export function loadOpenTelemetryTraces(): typeof OpenTelemetryTraces {
  return createRequire(PEERS)('@opentelemetry/sdk-trace-base');
}

/** Loads OpenTelemetry's API, of which a process has one. */
export function loadOpenTelemetryApi(): typeof OpenTelemetryApi {
  return createRequire(PEERS)('@opentelemetry/api');
}

/** Loads what keeps OpenTelemetry's context across promises and callbacks. */
export function loadOpenTelemetryContexts(): typeof OpenTelemetryContexts {
  return createRequire(PEERS)('@opentelemetry/context-async-hooks');
}

/** Loads OpenTelemetry's exporter of traces over OTLP/HTTP with protobuf. */
export function loadOpenTelemetryOtlp(): typeof OpenTelemetryOtlp {
  return createRequire(PEERS)('@opentelemetry/exporter-trace-otlp-proto');
}

/** Loads what OpenTelemetry's SDKs share, its propagators among it; it comes with the trace SDK. */
export function loadOpenTelemetryCore(): typeof OpenTelemetryCore {
  return createRequire(createRequire(PEERS).resolve('@opentelemetry/sdk-trace-base'))('@opentelemetry/core');
}
