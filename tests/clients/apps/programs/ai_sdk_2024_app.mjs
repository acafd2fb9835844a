// An application on Vercel's AI SDK of July 2024: nothing in it knows of banjia.
// ai_sdk_2024_app.mjs FOLDER: its packages are in FOLDER.
import { deepStrictEqual, ok } from 'node:assert';
import { load, play } from '../play.mjs';

const { createOpenAI } = await load('@ai-sdk/openai');
const { embedMany, generateText, streamText, tool } = await load('ai');
const { z } = await load('zod');

// This version reads the key from the environment, and the address from its settings alone.
const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL });
const strict = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, compatibility: 'strict' });
const get_weather = tool({
  description: 'The weather of a city.',
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});

const gathered = async (stream) => {
  let text = '';
  for await (const piece of stream) text += piece;
  return text;
};

await play({
  async chat() {
    const { text, usage } = await generateText({ model: openai('gpt-4o'), prompt: 'Hello' });
    deepStrictEqual(text, 'You said: Hello');
    ok(usage.totalTokens > 0);
  },
  async stream() {
    const { textStream } = await streamText({ model: openai('gpt-4o'), prompt: 'Hello' });
    deepStrictEqual(await gathered(textStream), 'You said: Hello');
  },
  async stream_with_usage() {
    const { textStream, usage } = await streamText({ model: strict('gpt-4o'), prompt: 'Hello' });
    deepStrictEqual(await gathered(textStream), 'You said: Hello');
    ok((await usage).completionTokens > 0);
  },
  async tools() {
    const { text } = await generateText({
      model: openai('gpt-4o'), prompt: 'get_weather city=Oslo', tools: { get_weather }, maxToolRoundtrips: 1,
    });
    deepStrictEqual(text, 'The tool said: "sunny in Oslo"');
  },
  async streamed_tools() {
    const question = { role: 'user', content: 'get_weather city=Oslo' };
    const called = await streamText({ model: openai('gpt-4o'), messages: [question], tools: { get_weather } });
    await gathered(called.textStream);
    const [calls, results] = [await called.toolCalls, await called.toolResults];
    deepStrictEqual(calls.map(({ toolName, args }) => [toolName, args]), [['get_weather', { city: 'Oslo' }]]);
    deepStrictEqual(results.map(({ result }) => result), ['sunny in Oslo']);
    const answered = [
      question,
      { role: 'assistant', content: calls.map((call) => ({ type: 'tool-call', ...call })) },
      { role: 'tool', content: results.map((result) => ({ type: 'tool-result', ...result })) },
    ];
    const answer = await streamText({ model: openai('gpt-4o'), messages: answered, tools: { get_weather } });
    deepStrictEqual(await gathered(answer.textStream), 'The tool said: "sunny in Oslo"');
  },
  async embeddings() {
    const model = openai.embedding('text-embedding-3-small');
    const { embeddings } = await embedMany({ model, values: ['hello world', 'b'] });
    deepStrictEqual(embeddings.length, 2);
  },
});
