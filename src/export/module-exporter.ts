// Exporters of the application that live in a module of their own, loaded on the exporter's thread. Declared on an app thread.
import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { KymoError } from '../core/errors.js';
import { type BatchOptions, type BatchSettings, checkBatchOptions, refusedOption } from './batch-options.js';
import { isSpanExporter, type SpanExporter } from './exporter.js';
import type { LogExporter } from './logs/log-exporter.js';

/** Options of {@link moduleExporter}. */
export interface ModuleExporterOptions extends BatchOptions {
  /** Given to the module's factory; anything that `structuredClone` takes. */
  readonly options?: unknown;
  /** Name in metrics and warnings; default `module`. */
  readonly name?: string;
}

/** An exporter in a module, for `configureTracing`. */
export class ModuleExporter {
  readonly name: string;
  /** URL of the module. */
  readonly url: string;
  readonly options: unknown;
  readonly batch: BatchSettings;

  /** @throws KymoError `KYMO_EXPORT_OPTION` */
  constructor(module: URL | string, { options, name = 'module', ...batch }: ModuleExporterOptions = {}) {
    this.url = moduleUrl(module);
    this.name = name;
    this.batch = checkBatchOptions(batch);
    this.options = options;
  }

  /** False where the file is not there. */
  exists(): boolean {
    return existsSync(fileURLToPath(this.url));
  }
}

/**
 * Declares an exporter that runs on a thread of its own: the module exports `createExporter(options)`, which gives a `SpanExporter` or a
 * promise of one. Nothing of it runs on the main thread, and a crash there is a restart, with back-off.
 * @param module URL or absolute path of a JavaScript module
 * @throws KymoError `KYMO_EXPORT_OPTION`
 * @example moduleExporter(new URL('./my-exporter.js', import.meta.url), { options: { table: 'spans' } })
 */
export function moduleExporter(module: URL | string, options?: ModuleExporterOptions): ModuleExporter {
  return new ModuleExporter(module, options);
}

/** The URL of a module of the application. @throws KymoError `KYMO_EXPORT_OPTION` */
export function moduleUrl(module: unknown): string {
  const text = module instanceof URL ? module.href : module;
  if (typeof text === 'string' && text.startsWith('file:') && URL.canParse(text)) return new URL(text).href;
  if (typeof text === 'string' && isAbsolute(text)) return pathToFileURL(text).href;
  throw refusedOption('module', text, 'a file URL or an absolute path');
}

/**
 * Imports a module and makes its exporter.
 * @param factory what the module exports
 * @throws KymoError `KYMO_EXPORT_OPTION` when it gives none, and whatever the module throws
 */
export async function loadExporter<E extends SpanExporter | LogExporter>(url: string, factory: string, options: unknown): Promise<E> {
  const module = (await import(url)) as Record<string, unknown> & { default?: Record<string, unknown> };
  // What a CommonJS module exports is not always seen by name.
  const make = module[factory] ?? module.default?.[factory];
  const exporter: unknown = typeof make === 'function' ? await make(options) : undefined;
  if (isSpanExporter(exporter)) return exporter as E;
  throw new KymoError('KYMO_EXPORT_OPTION', { option: 'module', value: url, expected: `a module that exports ${factory}(options)` });
}
