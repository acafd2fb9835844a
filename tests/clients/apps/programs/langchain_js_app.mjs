// An application on LangChain's agents for JavaScript: only environment variables set its endpoint.
// langchain_js_app.mjs FOLDER: its packages are in FOLDER.
import { deepStrictEqual, ok } from 'node:assert';
import { load, play } from '../play.mjs';

const { createAgent, providerStrategy, tool } = await load('langchain');
const { ChatOpenAI } = await load('@langchain/openai');
const { z } = await load('zod');

const get_weather = tool(({ city }) => `sunny in ${city}`, {
  name: 'get_weather', description: 'The weather of a city.', schema: z.object({ city: z.string() }),
});
const Person = z.object({ name: z.string(), age: z.number() });
const whoIsIt = 'Who is it?\nemulator:answer\n{"name": "Ann", "age": 30}\nemulator:end';
const asked = (content) => ({ messages: [{ role: 'user', content }] });
const chat = new ChatOpenAI({ model: 'gpt-4o' });
const responses = new ChatOpenAI({ model: 'gpt-4o', useResponsesApi: true });

async function textOf(model, prompt) {
  const { messages } = await createAgent({ model, tools: [get_weather] }).invoke(asked(prompt));
  return messages.at(-1).text;
}

async function streamedTextOf(model, prompt) {
  const agent = createAgent({ model, tools: [get_weather] });
  let text = '';
  for await (const [piece] of await agent.stream(asked(prompt), { streamMode: 'messages' })) {
    if (piece.getType() === 'ai') text += piece.text;
  }
  return text;
}

async function objectOf(model) {
  const agent = createAgent({ model, tools: [], responseFormat: providerStrategy(Person) });
  return (await agent.invoke(asked(whoIsIt))).structuredResponse;
}

await play({
  async agent() {
    deepStrictEqual(await textOf(chat, 'get_weather city=Oslo'), 'The tool said: sunny in Oslo');
  },
  async streamed_agent() {
    deepStrictEqual(await streamedTextOf(chat, 'get_weather city=Oslo'), 'The tool said: sunny in Oslo');
  },
  async provider_strategy() {
    deepStrictEqual(await objectOf(chat), { name: 'Ann', age: 30 });
  },
  async responses() {
    const answer = await responses.invoke('Hello');
    deepStrictEqual(answer.text, 'You said: Hello');
    ok(answer.usage_metadata.total_tokens > 0);
  },
  async agent_by_responses() {
    deepStrictEqual(await textOf(responses, 'get_weather city=Oslo'), 'The tool said: sunny in Oslo');
  },
  async streamed_agent_by_responses() {
    deepStrictEqual(await streamedTextOf(responses, 'get_weather city=Oslo'), 'The tool said: sunny in Oslo');
  },
  async provider_strategy_by_responses() {
    deepStrictEqual(await objectOf(responses), { name: 'Ann', age: 30 });
  },
  // The second request refers to the response of the first, and has no other history.
  async responses_by_id() {
    const first = await responses.invoke('Hello');
    const options = { previous_response_id: first.response_metadata.id };
    const second = await responses.invoke('And again', options);
    deepStrictEqual(second.text, 'You said: And again');
    ok(second.usage_metadata.input_tokens > first.usage_metadata.input_tokens);
  },
});
