// The same with OpenInference's instrumentation, which wraps every span in one of its own.
const { OpenAIInstrumentation } = require('@arizeai/openinference-instrumentation-openai');
const { converse } = require('../openai-conversation.cjs');

exports.instrumentations = () => [new OpenAIInstrumentation()];
exports.run = converse;
