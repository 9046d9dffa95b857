// Keys and certificates of a target, read from their files for each new connection, so that renewed ones are taken. Exporter threads.
import { readFileSync } from 'node:fs';
import type { OtlpTarget } from './options.js';

/** What `node:tls` takes; empty without files. @throws what reading a file throws */
export function tlsOptions(target: Pick<OtlpTarget, 'certificate' | 'clientKey' | 'clientCertificate'>): {
  ca?: Buffer;
  key?: Buffer;
  cert?: Buffer;
} {
  const { certificate, clientKey, clientCertificate } = target;
  return {
    ...(certificate === undefined ? {} : { ca: readFileSync(certificate) }),
    ...(clientKey === undefined ? {} : { key: readFileSync(clientKey) }),
    ...(clientCertificate === undefined ? {} : { cert: readFileSync(clientCertificate) }),
  };
}
