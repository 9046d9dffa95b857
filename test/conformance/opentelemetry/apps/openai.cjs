// The package `openai` against a local service, with OpenTelemetry's instrumentation of it: a completion, a stream, an error.
const { OpenAIInstrumentation } = require('@opentelemetry/instrumentation-openai');
const { converse } = require('../openai-conversation.cjs');

exports.instrumentations = () => [new OpenAIInstrumentation({ captureMessageContent: true })];
exports.run = converse;
