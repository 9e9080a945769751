// Asks the gateway with Anthropic's own TypeScript SDK, which stands in the folder of $CLIENT. Reads {url, key, requests}
// from stdin: [{body, beta}]. Writes a list to stdout: for each what the stream folds to and what comes in one piece, as
// {streamed, whole}, or the error of either as {error: {name, status, type, message}}; first the models and a count.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.CLIENT, "here.js"));
const { default: Anthropic } = require("@anthropic-ai/sdk");
const { url, key, requests } = JSON.parse(readFileSync(0, "utf8"));

const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
// Without a time limit of its own the SDK refuses to ask for long answers in one piece.
const options = { timeout: 600_000 };

async function heard(asking) {
  try {
    return await asking();
  } catch (error) {
    const { name, status, message } = error;
    return { error: { name: error.constructor?.name ?? name, status, type: error.error?.error?.type, message } };
  }
}

const models = await heard(async () => {
  const ids = [];
  for await (const model of client.models.list({ limit: 5 })) ids.push(model.id);
  return ids;
});
const counted = await heard(() =>
  client.messages.countTokens({ model: "claude-sonnet-4-5", messages: [{ role: "user", content: "hello there" }] }),
);

const answers = [];
for (const body of requests) {
  const streamed = await heard(() => client.messages.stream({ ...body }, options).finalMessage());
  const whole = await heard(() => client.messages.create({ ...body, stream: false }, options));
  answers.push({ streamed, whole });
}
process.stdout.write(JSON.stringify({ models, counted, answers }));
