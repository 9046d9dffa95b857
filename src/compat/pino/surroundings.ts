// What stands around a logger: where its lines go and the serializers that it knows. App threads.
export { type Destination, destination } from './destination.js';
export { type LineStream, type Multistream, multistream } from './multistream.js';
export { stdSerializers } from './std-serializers.js';
export { transport } from './transport.js';
