// Talks to a Kiro with AWS's own published client. Reads one JSON object from stdin:
// {"endpoint", "token", "calls": [["GenerateAssistantResponse" | "InvokeMCP", input], ...]}; the client stands in the
// folder of $CLIENT. Writes a list to stdout: for every call what came, or the error that the client made of it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.CLIENT, "here.js"));
const aws = require("@aws/codewhisperer-streaming-client");
const { endpoint, token, calls } = JSON.parse(readFileSync(0, "utf8"));

const client = new aws.CodeWhispererStreamingClient({
  region: "us-east-1",
  endpoint,
  token: { token },
  maxAttempts: 1,
});

async function heard(operation, input) {
  const events = [];
  let conversationId;
  try {
    const output = await client.send(new aws[`${operation}Command`](input));
    if (operation !== "GenerateAssistantResponse") return { output };
    conversationId = output.conversationId;
    for await (const event of output.generateAssistantResponseResponse) events.push(event);
    return { conversationId, events };
  } catch (error) {
    const { name, message, reason, $metadata } = error;
    return { conversationId, events, error: { name, message, reason, status: $metadata?.httpStatusCode } };
  }
}

const answers = [];
for (const [operation, input] of calls) {
  const { output, ...rest } = await heard(operation, input);
  answers.push(output ? { ...rest, result: output.result, id: output.id } : rest);
}
process.stdout.write(JSON.stringify(answers));
client.destroy();
