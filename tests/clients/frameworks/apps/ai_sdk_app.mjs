// An application on Vercel's AI SDK: it contains nothing about banjia. The base URL comes from the environment alone.
// ai_sdk_app.mjs FOLDER: its packages are in FOLDER.
import { deepStrictEqual, ok } from 'node:assert';
import { load, play } from '../../apps/play.mjs';

const { openai } = await load('@ai-sdk/openai');
const { embedMany, generateObject, generateText, stepCountIs, streamText, tool } = await load('ai');
const { z } = await load('zod');

await play({
  async chat() {
    const { text, usage } = await generateText({ model: openai.chat('gpt-4o'), prompt: 'Hello' });
    deepStrictEqual(text, 'You said: Hello');
    ok(usage.totalTokens > 0);
  },
  async stream() {
    const { textStream } = streamText({ model: openai.chat('gpt-4o'), prompt: 'Hello' });
    let text = '';
    for await (const piece of textStream) text += piece;
    deepStrictEqual(text, 'You said: Hello');
  },
  async tools() {
    const get_weather = tool({
      description: 'The weather of a city.',
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => `sunny in ${city}`,
    });
    const { text } = await generateText({
      model: openai.chat('gpt-4o'), prompt: 'get_weather city=Oslo', tools: { get_weather }, stopWhen: stepCountIs(2),
    });
    deepStrictEqual(text, 'The tool said: sunny in Oslo');
  },
  async streamed_tools() {
    const get_weather = tool({
      description: 'The weather of a city.',
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => `sunny in ${city}`,
    });
    const { textStream } = streamText({
      model: openai.chat('gpt-4o'), prompt: 'get_weather city=Oslo', tools: { get_weather }, stopWhen: stepCountIs(2),
    });
    let text = '';
    for await (const piece of textStream) text += piece;
    deepStrictEqual(text, 'The tool said: sunny in Oslo');
  },
  async structured() {
    const schema = z.object({ name: z.string(), age: z.number() });
    const { object } = await generateObject({ model: openai.chat('gpt-4o'), schema, prompt: 'JSON, name=Ann' });
    deepStrictEqual(object.name, 'Ann');
  },
  async responses() {
    const { text } = await generateText({ model: openai('gpt-4o'), prompt: 'Hello' });
    deepStrictEqual(text, 'You said: Hello');
  },
  async embeddings() {
    const model = openai.embedding('text-embedding-3-small');
    const { embeddings } = await embedMany({ model, values: ['hello world', 'b'] });
    deepStrictEqual(embeddings.length, 2);
  },
});
