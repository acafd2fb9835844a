// The command line codex in a folder of its own, with a provider of the Responses API in its configuration.
// codex_app.mjs FOLDER: its packages are in FOLDER.
import { deepStrictEqual, match } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { play } from '../play.mjs';

const program = join(process.argv[2], 'node_modules/.bin/codex');
const fresh = () => realpathSync(mkdtempSync(join(tmpdir(), 'codex-')));
const home = fresh();
writeFileSync(join(home, 'config.toml'), `
model_provider = "moved"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.moved]
name = "moved"
base_url = "${process.env.OPENAI_BASE_URL}"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 1
`);

// The exit code of a run with this text, and its events.
function run(text, model = 'gpt-4o') {
  const words = ['exec', '--skip-git-repo-check', '--sandbox', 'read-only', '--json', '--model', model, text];
  const env = { ...process.env, CODEX_HOME: home };
  const { status, stdout } = spawnSync(program, words, { cwd: fresh(), env, input: '', encoding: 'utf8' });
  return { status, events: stdout.trim().split('\n').map((line) => JSON.parse(line)) };
}

// The items of a type that a successful run completed.
function items(text, type, model = undefined) {
  const { status, events } = run(text, model);
  deepStrictEqual([status, events.at(-1).type], [0, 'turn.completed'], JSON.stringify(events));
  return events.filter((event) => event.type === 'item.completed' && event.item.type === type).map(({ item }) => item);
}

// The message with which a run fails, and those of its attempts.
function errors(text, model) {
  const { status, events } = run(text, model);
  deepStrictEqual([status, events.at(-1).type], [1, 'turn.failed'], JSON.stringify(events));
  return [events.at(-1).error.message, ...events.filter(({ type }) => type === 'error').map(({ message }) => message)];
}

await play({
  async chat() {
    const [{ text }, ...others] = items('Hello', 'agent_message');
    // A vendor without neighbouring turns of the user gets its context in the same turn, and repeats both.
    match(text, /^You said: (<environment_context>[^]*\n\n)?Hello$/);
    deepStrictEqual(others, []);
  },
  // It runs a command that the model asks for, and the model gets its output.
  async command() {
    const [one, ...others] = items('exec_command cmd="echo sunny" max_output_tokens=1000', 'command_execution');
    deepStrictEqual([one.aggregated_output.trim(), one.exit_code, others], ['sunny', 0, []]);
  },
  // The vendor's connection breaks within the answer: it connects again, and then reports the reason.
  async cut() {
    const [last, ...each] = errors('emulator:words=200,gap=2', 'gpt-4o-cut');
    match(last, /the connection was cut/);
    match(each[0], /Reconnecting/);
  },
  // The input is too long for the model.
  async long() {
    const [last] = errors('Hello', 'gpt-4o-long');
    match(last, /context window/);
  },
  // The answer ends at the limit of tokens.
  async short() {
    const [last] = errors('emulator:words=50', 'gpt-4o-short');
    match(last, /^Incomplete response returned, reason: max_output_tokens$/);
  },
});
