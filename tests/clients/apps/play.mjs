// What play.py does, for applications on Node: `await play(parts)` plays an object of functions.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

// Imports a package of the folder that is the program's first argument.
const require = createRequire(`${process.argv[2]}/package.json`);
export const load = (name) => import(pathToFileURL(require.resolve(name)));

export async function play(parts) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  for (const [part, run] of Object.entries(parts)) {
    const begun = performance.now();
    const error = await run().then(() => null, (thrown) => String(thrown?.stack ?? thrown).slice(0, 2000));
    console.log(`\n${JSON.stringify({ part, error, seconds: (performance.now() - begun) / 1000 })}`);
    await lines.next();
  }
  process.stdin.destroy();
}
