// An application on Vercel's AI SDK: it contains nothing about banjia. The base URL comes from the environment alone.
// ai_sdk_app.mjs FOLDER: its packages are in FOLDER.
import { deepStrictEqual, match, ok } from 'node:assert';
import { load, play } from '../../apps/play.mjs';

const { openai } = await load('@ai-sdk/openai');
const { embedMany, generateObject, generateText, Output, stepCountIs, streamObject, streamText, tool } = await load('ai');
const { z } = await load('zod');

const Person = z.object({
  name: z.string(), age: z.number(), pets: z.array(z.object({ kind: z.enum(['cat', 'dog']), name: z.string().nullable() })),
});
const person = { name: 'Ann', age: 30, pets: [{ kind: 'cat', name: null }] };
const whoIsIt = `Who is it?\nemulator:answer\n${JSON.stringify(person)}\nemulator:end`;

const get_weather = tool({
  description: 'The weather of a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});

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
    const { text } = await generateText({
      model: openai.chat('gpt-4o'), prompt: 'get_weather city=Oslo', tools: { get_weather }, stopWhen: stepCountIs(2),
    });
    deepStrictEqual(text, 'The tool said: sunny in Oslo');
  },
  async streamed_tools() {
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
  async nested() {
    const { object } = await generateObject({ model: openai.chat('gpt-4o'), schema: Person, prompt: whoIsIt });
    deepStrictEqual(object, person);
  },
  async array() {
    const prompt = 'Who?\nemulator:answer\n{"elements": [{"name": "Ann"}, {"name": "Bo"}]}\nemulator:end';
    const schema = z.object({ name: z.string() });
    const { object } = await generateObject({ model: openai.chat('gpt-4o'), output: 'array', schema, prompt });
    deepStrictEqual(object, [{ name: 'Ann' }, { name: 'Bo' }]);
  },
  async choice() {
    const settings = { model: openai.chat('gpt-4o'), output: 'enum', enum: ['sunny', 'rainy'] };
    const { object } = await generateObject({ ...settings, prompt: 'result=rainy' });
    deepStrictEqual(object, 'rainy');
  },
  async streamed_object() {
    const { partialObjectStream, object } = streamObject({ model: openai.chat('gpt-4o'), schema: Person, prompt: whoIsIt });
    let last;
    for await (const piece of partialObjectStream) last = piece;
    deepStrictEqual([last, await object], [person, person]);
  },
  async output_object() {
    const output = Output.object({ schema: Person });
    const { output: found } = await generateText({ model: openai.chat('gpt-4o'), output, prompt: whoIsIt });
    deepStrictEqual(found, person);
  },
  async streamed_output_object() {
    const output = Output.object({ schema: Person });
    const { partialOutputStream, output: whole } = streamText({ model: openai.chat('gpt-4o'), output, prompt: whoIsIt });
    let last;
    for await (const piece of partialOutputStream) last = piece;
    deepStrictEqual([last, await whole], [person, person]);
  },
  async output_object_after_a_tool() {
    const { output, steps } = await generateText({
      model: openai.chat('gpt-4o'), prompt: 'get_weather city=Oslo', tools: { get_weather }, stopWhen: stepCountIs(3),
      output: Output.object({ schema: z.object({ answer: z.string() }) }),
    });
    deepStrictEqual(steps.length, 2);
    ok(output.answer);
  },
  // The default of the SDK is the Responses API.
  async responses() {
    const { text, usage } = await generateText({ model: openai('gpt-4o'), prompt: 'Hello' });
    deepStrictEqual(text, 'You said: Hello');
    ok(usage.totalTokens > 0);
  },
  async streamed_responses() {
    const { textStream } = streamText({ model: openai('gpt-4o'), prompt: 'Hello' });
    let text = '';
    for await (const piece of textStream) text += piece;
    deepStrictEqual(text, 'You said: Hello');
  },
  async responses_with_tools() {
    const { text, steps } = await generateText({
      model: openai('gpt-4o'), prompt: 'get_weather city=Oslo', tools: { get_weather }, stopWhen: stepCountIs(2),
    });
    deepStrictEqual([text, steps.length], ['The tool said: sunny in Oslo', 2]);
  },
  async streamed_responses_with_tools() {
    const { textStream } = streamText({
      model: openai('gpt-4o'), prompt: 'get_weather city=Oslo', tools: { get_weather }, stopWhen: stepCountIs(2),
    });
    let text = '';
    for await (const piece of textStream) text += piece;
    deepStrictEqual(text, 'The tool said: sunny in Oslo');
  },
  // The second request refers to the answer of the first by its id.
  async responses_of_two_turns() {
    const messages = [{ role: 'user', content: 'Hello' }];
    const first = await generateText({ model: openai('gpt-4o'), messages });
    messages.push(...first.response.messages, { role: 'user', content: 'And again' });
    const { request, text } = await generateText({ model: openai('gpt-4o'), messages });
    deepStrictEqual(request.body.input.map(({ type }) => type), [undefined, 'item_reference', undefined]);
    deepStrictEqual(text, 'You said: And again');
  },
  async object_by_responses() {
    const { object } = await generateObject({ model: openai('gpt-4o'), schema: Person, prompt: whoIsIt });
    deepStrictEqual(object, person);
  },
  // The vendor's connection breaks within the answer.
  async cut_responses() {
    const errors = [];
    const onError = ({ error }) => errors.push(error);
    const { fullStream } = streamText({ model: openai('gpt-4o-cut'), prompt: 'emulator:words=200,gap=2', onError, maxRetries: 0 });
    let text = '';
    for await (const piece of fullStream) if (piece.type === 'text-delta') text += piece.text;
    ok(text.startsWith('w1 w2'), JSON.stringify([text, errors]));
    deepStrictEqual(errors.length, 1);
    match(JSON.stringify(errors[0]), /upstream_stream_(reset|truncated)/);
  },
  async embeddings() {
    const model = openai.embedding('text-embedding-3-small');
    const { embeddings } = await embedMany({ model, values: ['hello world', 'b'] });
    deepStrictEqual(embeddings.length, 2);
  },
});
