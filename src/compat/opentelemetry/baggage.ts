// Baggage as the OpenTelemetry API wants it, over Kymo's. App threads; immutable.
import { type Baggage as ApiBaggage, type BaggageEntry as ApiEntry, baggageEntryMetadataFromString } from '@opentelemetry/api';
import { Baggage, type BaggageEntry } from '../../context/baggage.js';

const NONE = new Baggage();

/** A view that keeps nothing but Kymo's baggage. */
export class BaggageView implements ApiBaggage {
  readonly own: Baggage;

  constructor(own: Baggage) {
    this.own = own;
  }

  getEntry(key: string): ApiEntry | undefined {
    const entry = this.own.get(key);
    return entry && apiEntry(entry);
  }

  getAllEntries(): [string, ApiEntry][] {
    return [...this.own.entries()].map(([key, entry]) => [key, apiEntry(entry)]);
  }

  setEntry(key: string, entry: ApiEntry): ApiBaggage {
    return new BaggageView(this.own.set(key, ownEntry(entry)));
  }

  removeEntry(key: string): ApiBaggage {
    return new BaggageView(this.own.delete(key));
  }

  removeEntries(...keys: string[]): ApiBaggage {
    return new BaggageView(keys.reduce((baggage, key) => baggage.delete(key), this.own));
  }

  clear(): ApiBaggage {
    return new BaggageView(NONE);
  }
}

/** Kymo's baggage of any implementation of the API's; empty for what throws. */
export function ownBaggage(baggage: ApiBaggage): Baggage {
  if (baggage instanceof BaggageView) return baggage.own;
  try {
    return new Baggage(baggage.getAllEntries().map(([key, entry]) => [key, ownEntry(entry)]));
  } catch {
    return NONE;
  }
}

function apiEntry({ value, metadata }: BaggageEntry): ApiEntry {
  return metadata === undefined || metadata === '' ? { value } : { value, metadata: baggageEntryMetadataFromString(metadata) };
}

function ownEntry({ value, metadata }: ApiEntry): BaggageEntry {
  const text = metadata?.toString() ?? '';
  return text === '' ? { value } : { value, metadata: text };
}
