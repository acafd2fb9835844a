// The stage: emulators and proxies run in a Python process, steered by lines of JSON (stage.py).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { AzureOpenAI } from 'openai';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const python = spawn(process.env.PYTHON ?? 'python3', ['-m', 'tests.clients.sdk_node.stage'], {
  cwd: root,
  stdio: ['pipe', 'pipe', 'inherit'],
});
const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]();

async function readPlaces() {
  const { value, done } = await lines.next();
  assert.ok(!done, 'the stage has ended');
  return JSON.parse(value);
}

let turn = Promise.resolve(); // one wish after another: answers come in the order of the wishes
function wish(what) {
  turn = turn.then(() => {
    python.stdin.write(`${JSON.stringify(what)}\n`);
    return readPlaces();
  });
  return turn;
}

const places = await readPlaces();
export const VENDORS = Object.keys(places.vendors);
export const CLIENT_KEY = places.clientKey;

export async function reset() {
  const { wrong } = await wish({ do: 'reset' });
  assert.deepEqual(wrong, [], 'an answer that OpenAI would not send');
}

export async function close() {
  python.stdin.end();
  await once(python, 'exit');
}

// One vendor behind one of its proxies, and clients for it.
export class Site {
  constructor(vendor, front = 'plain') {
    this.vendor = vendor;
    this.front = front;
    this.url = places.vendors[vendor][front];
    this.sdk = this.client();
  }

  client(more = {}) {
    return new OpenAI({ baseURL: `${this.url}/v1`, apiKey: places.key, maxRetries: 0, ...more });
  }

  azure(more = {}) {
    return new AzureOpenAI({ endpoint: this.url, apiKey: places.key, apiVersion: '2024-06-01', maxRetries: 0, ...more });
  }

  faults(...faults) {
    return wish({ do: 'faults', vendor: this.vendor, faults });
  }

  // The code of the error that the vendor's table of failures gives its response.
  failure() {
    return wish({ do: 'failure', vendor: this.vendor });
  }

  async names() {
    return (await this.sdk.models.list()).data.map((model) => model.id);
  }

  state() {
    return wish({ do: 'state', vendor: this.vendor, front: this.front });
  }

  async lastCall() {
    return (await this.state()).calls.at(-1);
  }

  // What the vendor counted for the last call: it counts at its end.
  async counted() {
    await this.idle();
    return (await this.lastCall()).usage;
  }

  chat(content = 'Hello', more = {}, options = undefined) {
    return this.sdk.chat.completions.create(chatBody(content, more), options);
  }

  async stream(content = 'Hello', more = {}) {
    return all(await this.chat(content, { ...more, stream: true }));
  }

  // Wait until the vendor has nothing to do any more; returns how long it took (milliseconds).
  async idle() {
    const begun = performance.now();
    while ((await this.state()).active) {
      assert.ok(performance.now() - begun < 5000, 'the vendor is still at it');
      await sleep(10);
    }
    return performance.now() - begun;
  }
}

export function user(content) {
  return { role: 'user', content };
}

// A request under OpenAI's name: a user's message, or a list of messages.
export function chatBody(content = 'Hello', more = {}) {
  const messages = Array.isArray(content) && content[0].role ? content : [user(content)];
  return { model: 'gpt-4o', messages, ...more };
}

export async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

export function textOf(chunks) {
  return chunks.flatMap((chunk) => chunk.choices).map((choice) => choice.delta.content ?? '').join('');
}

// What a promise is rejected with; fails if it is not.
export async function raised(promise) {
  let error;
  try {
    await promise;
  } catch (caught) {
    error = caught;
  }
  assert.ok(error, 'nothing was raised');
  return error;
}
