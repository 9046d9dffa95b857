// Batches that are refused before anything is sent, over whichever protocol. Exporter threads.
import type { ExportBatch } from '../../binding/native-export.js';
import { LARGEST_REQUEST_BYTES } from '../batch-options.js';
import type { Delivery } from '../delivery.js';

/** Given up because the exporter ends. */
export const NOT_SENT: Delivery = { kind: 'refused', reason: 'shutdown', message: 'given up' };

/** The refusal of a batch that is larger than OTLP lets a request be; undefined for any other. */
export function tooLarge({ plainBytes }: ExportBatch): Delivery | undefined {
  if (plainBytes <= LARGEST_REQUEST_BYTES) return undefined;
  return { kind: 'refused', reason: 'too_large', message: `${plainBytes} bytes are more than a request may have` };
}
