// What all spans and log records of a process have in common: the service, the process, the host. App thread, once per provider or sink.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, hostname, platform, release, userInfo } from 'node:os';
import { basename } from 'node:path';
import { mainPackage } from '../config/main-package.js';
import type { OpenTelemetryEnvironment } from '../config/opentelemetry.js';
import { readOptions } from '../config/options.js';
import { VERSION } from '../core/version.js';

/** A value of a resource attribute. */
export type ResourceValue = string | number | boolean | readonly (string | number | boolean)[];

/** Attributes of a resource. */
export type ResourceAttributes = Readonly<Record<string, ResourceValue>>;

/** What decides about a resource, beside what is detected. */
export interface ResourceInput {
  /** `service.name` in code: before everything else. */
  readonly serviceName?: string | undefined;
  /** Other attributes in code: before the environment. */
  readonly attributes?: ResourceAttributes | undefined;
  /** `service.name` of the preset, where nobody says another. */
  readonly presetName?: string | undefined;
  readonly environment: Pick<OpenTelemetryEnvironment, 'serviceName' | 'resourceAttributes'>;
}

/** One id per process: the instance of the service. */
const INSTANCE = randomUUID();

/** `host.arch` by Node's word, where the two differ. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm: 'arm32', ia32: 'x86', ppc64: 'ppc64' };

/**
 * The resource: what is detected, below the environment, below the code. `service.name` is the first of: the code, `OTEL_SERVICE_NAME`,
 * `OTEL_RESOURCE_ATTRIBUTES`, `KYMO_SERVICE_NAME`, the preset, package.json, `unknown_service:node`. The arguments of the process are left
 * out, since secrets stand in them.
 */
export function detectResource({ serviceName, attributes = {}, presetName, environment }: ResourceInput): ResourceAttributes {
  const given = { ...Object.fromEntries(environment.resourceAttributes ?? []), ...attributes };
  const detected = mainPackage();
  const name =
    serviceName ??
    attributes['service.name'] ??
    environment.serviceName ??
    given['service.name'] ??
    readOptions().serviceName ??
    presetName ??
    detected.name ??
    'unknown_service:node';
  return {
    ...(detected.version === undefined ? {} : { 'service.version': detected.version }),
    'service.instance.id': INSTANCE,
    'telemetry.sdk.name': 'kymo',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.version': VERSION,
    ...processAttributes(),
    ...hostAttributes(),
    ...given,
    'service.name': name,
  };
}

function processAttributes(): ResourceAttributes {
  return {
    'process.pid': process.pid,
    'process.executable.name': basename(process.execPath),
    'process.executable.path': process.execPath,
    ...(process.argv[1] === undefined ? {} : { 'process.command': process.argv[1] }),
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'process.runtime.description': 'Node.js',
    ...owner(),
  };
}

function hostAttributes(): ResourceAttributes {
  return {
    'host.name': hostname(),
    'host.arch': ARCHITECTURES[arch()] ?? arch(),
    ...machineId(),
    'os.type': platform() === 'win32' ? 'windows' : platform(),
    'os.version': release(),
  };
}

/** A user without an entry in the system's list has no name. */
function owner(): ResourceAttributes {
  try {
    return { 'process.owner': userInfo().username };
  } catch {
    return {};
  }
}

function machineId(): ResourceAttributes {
  try {
    const id = readFileSync('/etc/machine-id', 'latin1').trim();
    return /^[0-9a-f]{32}$/.test(id) ? { 'host.id': id } : {};
  } catch {
    return {};
  }
}
