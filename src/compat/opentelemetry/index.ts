// All that `kymo/opentelemetry` offers; `entry.cts` gives it to programs. App threads.
export { type ContextToken, KymoContextManager } from './context-manager.js';
export type { ExportOptions, SpanExporter } from './export-processor.js';
export { KymoMeterProvider, type KymoMeterProviderOptions } from './metrics/meter-provider.js';
export type { SpanProcessor } from './processor-bridge.js';
export { KymoPropagator } from './propagator.js';
export { type RegisterOptions, type Registration, register } from './register.js';
export type { InstrumentationScope, ResourceView, SpanView, TimedEvent } from './span-view.js';
export { KymoTracerProvider, type KymoTracerProviderOptions, type SharedTracerProvider } from './tracer-provider.js';
