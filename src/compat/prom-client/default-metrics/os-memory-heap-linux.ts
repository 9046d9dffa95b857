// `process_{resident,virtual}_memory_bytes` and `process_heap_bytes`, from /proc/self/status. App threads.
import fs from 'fs';
import { Gauge } from '../gauge.js';
import { type DefaultMetricsSet, placementIn } from './placement.js';

const RESIDENT = 'process_resident_memory_bytes';
const VIRTUAL = 'process_virtual_memory_bytes';
const HEAP = 'process_heap_bytes';
const FIELDS = ['VmSize', 'VmRSS', 'VmData'];

/** The fields in bytes; the file says `VmRSS:     51234 kB`. */
function fieldsOf(status: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const line of status.split('\n')) {
    if (!FIELDS.some((field) => line.startsWith(field))) continue;
    const [field, value] = line.split(':') as [string, string];
    found[field] = Number(value.trim().slice(0, -3)) * 1024;
  }
  return found;
}

export const osMemoryHeapLinux: DefaultMetricsSet = (registry, options = {}) => {
  const { prefix, labels, labelNames, registers } = placementIn(registry, options);
  const resident = new Gauge({
    name: prefix + RESIDENT,
    help: 'Resident memory size in bytes.',
    registers,
    labelNames,
    // The first one of the set sets all of them. The read never waits: the kernel makes the text from its own structures.
    collect(this: Gauge) {
      try {
        const { VmRSS, VmSize, VmData } = fieldsOf(fs.readFileSync('/proc/self/status', 'utf8'));
        resident.set(labels, VmRSS as number);
        virtual.set(labels, VmSize as number);
        heap.set(labels, VmData as number);
      } catch {
        // Without /proc, or with other fields in it, the values stay as they are.
      }
    },
  });
  const virtual = new Gauge({ name: prefix + VIRTUAL, help: 'Virtual memory size in bytes.', registers, labelNames });
  const heap = new Gauge({ name: prefix + HEAP, help: 'Process heap size in bytes.', registers, labelNames });
};
osMemoryHeapLinux.metricNames = [RESIDENT, VIRTUAL, HEAP];
