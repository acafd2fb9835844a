// Reads mutated streams with Vercel's AI SDK, whose packages are in the folder argv[2]; see tests/mutations/served.py.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.argv[2]}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { createOpenAI } = await load('@ai-sdk/openai');
const { jsonSchema, streamText, tool } = await load('ai');

const given = JSON.parse(readFileSync(0, 'utf8'));
const provider = createOpenAI({ baseURL: given.base_url, apiKey: 'anything' });
const toolsOf = (job) => Object.fromEntries(
  job.tools.map(({ function: one }) => [one.name, tool({ inputSchema: jsonSchema(one.parameters) })]),
);

const textOf = (error) => String(error?.message ?? JSON.stringify(error)).slice(0, 500);

async function read(job) {
  let error;
  const result = streamText({
    model: provider.chat(job.model), prompt: job.prompt, tools: toolsOf(job), maxRetries: 0, onError: (event) => { error = event.error; },
  });
  let content = '';
  const calls = [];
  let finish;
  for await (const part of result.fullStream) {
    if (part.type === 'text-delta') content += part.text;
    if (part.type === 'tool-call') calls.push([part.toolName, JSON.stringify(part.input)]);
    if (part.type === 'finish') finish = part.finishReason.replace('-', '_');
    if (part.type === 'error') error = part.error;
  }
  return error === undefined ? { content, calls, finish } : { error: textOf(error) };
}

for (const job of given.jobs) {
  let line;
  try {
    line = await read(job);
  } catch (error) {
    line = { error: textOf(error) };
  }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
