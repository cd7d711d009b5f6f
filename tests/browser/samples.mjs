// The sample pages of the templates' own tests, every one in every language, behind the headers of the real server. A new
// template has its samples by rule, so that what looks at these pages looks at new ones by itself.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { demo, root, scratch } from './product.mjs';

const run = promisify(execFile);
const TYPES = { '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };

/** The headers that the server gives each page; no sample may be looked at without its policy. */
async function pageHeaders() {
  const product = await demo();
  try {
    const answer = await fetch(`${product.portal}/help`);
    const names = ['content-security-policy', 'x-content-type-options', 'referrer-policy', 'cross-origin-opener-policy', 'permissions-policy', 'cache-control'];
    const headers = Object.fromEntries(names.map(name => [name, answer.headers.get(name)]));
    assert.match(headers['content-security-policy'], /default-src 'none'.*require-trusted-types-for 'script'/);
    return headers;
  } finally {
    await product.stop();
  }
}

/** Renders the samples and serves them. `names` without language; `address(name, lang)`. */
export async function samples() {
  const dir = scratch();
  const environment = { ...process.env, KEYHARBOR_PAGE_SAMPLES: dir };
  await run('cargo', ['test', '--locked', '--lib', '--quiet', '--', '--exact', 'web::pages::tests::samples_can_be_looked_at'], { cwd: root, env: environment });
  const headers = await pageHeaders();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const type = TYPES[extname(pathname)];
    // A sample that asks whether anything came in goes on waiting, however long it is looked at.
    if (pathname.endsWith('/status')) return;
    try {
      response.writeHead(200, { ...headers, 'content-type': type }).end(readFileSync(join(dir, pathname)));
    } catch {
      response.writeHead(404, headers).end();
    }
  });
  await new Promise(ready => server.listen(0, '127.0.0.1', ready));
  const files = readdirSync(dir).filter(file => file.endsWith('.html'));
  return {
    names: [...new Set(files.map(file => file.replace(/-[a-z]{2}\.html$/, '')))].sort(),
    address: (name, lang) => `http://localhost:${server.address().port}/${name}-${lang}.html`,
    close() {
      server.closeAllConnections();
      server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
