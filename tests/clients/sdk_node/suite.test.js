// All checks in one process, one after another: they share one stage, which forgets each test before the next.
import { after, afterEach, describe } from 'node:test';
import { Site, VENDORS, close, reset } from './stage.js';
import { azure } from './azure.js';
import { chat } from './chat.js';
import { embeddings } from './embeddings.js';
import { endings } from './endings.js';
import { errors } from './errors.js';
import { tools } from './tools.js';

afterEach(reset);
after(close);

for (const vendor of VENDORS) {
  describe(vendor, () => {
    const site = (front = 'plain') => new Site(vendor, front);
    for (const part of [chat, tools, embeddings, errors, endings, azure]) describe(part.name, () => part(site));
  });
}
