// The client for Azure: other paths, another key header, the model's name in the path.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { CLIENT_KEY, all, chatBody, raised, textOf } from './stage.js';

export function azure(site) {
  for (const deployment of [undefined, 'gpt-4o']) {
    test(`chat by ${deployment ? 'the client’s deployment' : 'the body’s model'}, whole and streamed`, async () => {
      const here = site();
      const sdk = here.azure({ deployment });
      const whole = await sdk.chat.completions.create(chatBody('搬家'));
      const chunks = await all(await sdk.chat.completions.create(chatBody('搬家', { stream: true })));
      assert.equal(whole.choices[0].message.content, 'You said: 搬家');
      assert.equal(textOf(chunks), 'You said: 搬家');
      assert.ok(chunks.every((chunk) => chunk.choices.length === 1));
      assert.equal((await here.state()).seen.at(-1).path, '/openai/deployments/gpt-4o/chat/completions');
    });
  }

  test('the deployment of the client decides and not the model of the call', async () => {
    const answer = await site().azure({ deployment: 'o3' }).chat.completions.create(chatBody('Hello', { model: 'whatever' }));
    assert.equal(answer.model, 'o3');
  });

  test('a deployment that is not there is a model that is not found', async () => {
    const error = await raised(site().azure({ deployment: 'gpt-4oo' }).chat.completions.create(chatBody('Hello')));
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.deepEqual([error.code, error.param], ['model_not_found', 'model']);
  });

  test('Azure’s own spelling of a model has the route of the model, whole and streamed', async () => {
    const sdk = site().azure({ deployment: 'gpt-35-turbo' });
    const whole = await sdk.chat.completions.create(chatBody('Hello', { model: 'gpt-35-turbo' }));
    const chunks = await all(await sdk.chat.completions.create(chatBody('Hello', { model: 'gpt-35-turbo', stream: true })));
    assert.equal(whole.choices[0].message.content, 'You said: Hello');
    assert.equal(textOf(chunks), 'You said: Hello');
    assert.deepEqual(new Set([whole.model, ...chunks.map((chunk) => chunk.model)]), new Set(['gpt-35-turbo']));
  });

  test('embeddings are found under the name of 2024, or not found where the vendor has none', async () => {
    const here = site();
    const model = 'text-embedding-ada-002';
    const call = here.azure({ deployment: model }).embeddings.create({ model, input: ['one', 'two'] });
    if (!(await here.names()).includes(model)) {
      assert.ok((await raised(call)) instanceof OpenAI.NotFoundError);
      return;
    }
    const answer = await call;
    assert.equal(answer.model, model);
    const widths = answer.data.map((one) => one.embedding.length);
    assert.equal(widths.length, 2);
    assert.ok(widths[0] > 0 && widths[0] === widths[1]);
    assert.equal((await here.state()).seen.at(-1).path, '/openai/deployments/text-embedding-ada-002/embeddings');
  });

  test('models are listed', async () => {
    assert.ok((await site().azure().models.list()).data.some((model) => model.id === 'gpt-4o'));
  });

  test('the key is checked where keys are configured', async () => {
    const here = site('keyed');
    const right = await here.azure({ apiKey: CLIENT_KEY }).chat.completions.create(chatBody('Hello'));
    assert.equal(right.choices[0].message.content, 'You said: Hello');
    const error = await raised(here.azure({ apiKey: 'sk-wrong-00000001' }).chat.completions.create(chatBody('Hello')));
    assert.ok(error instanceof OpenAI.AuthenticationError);
  });
}
