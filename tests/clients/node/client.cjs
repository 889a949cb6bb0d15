// Runs HubSpot's Node client, unchanged, and prints what it read or wrote as JSON.
//
//     node client.cjs URL TOKEN list|read|create < what the command needs, as JSON
//
// NODE_PATH names the folder that has @hubspot/api-client.
"use strict";

const fs = require("node:fs");
const { Client } = require("@hubspot/api-client");

const [basePath, accessToken, command] = process.argv.slice(2);
const input = JSON.parse(fs.readFileSync(0, "utf8"));
const client = new Client({
  accessToken,
  basePath,
  numberOfApiCallRetries: input.retries,
});

// The client retries a 429 and a 5xx, but no request whose connection was lost: such an
// error has no status. A caller has to retry it.
let lost = 0;
const again = async (call) => {
  try {
    return await call();
  } catch (error) {
    if (typeof error.code === "number") throw error;
    lost += 1;
    return call();
  }
};

const commands = {
  async all() {
    return client.crm.contacts.getAll(100, undefined, input.properties, undefined, ["companies"]);
  },
  async list() {
    const api = client.crm.contacts.basicApi;
    const found = [];
    let after;
    do {
      const page = await again(() =>
        api.getPage(100, after, input.properties, undefined, ["companies"]),
      );
      found.push(...page.results);
      after = page.paging?.next?.after;
    } while (after);
    return found;
  },
  async create() {
    const answers = [];
    for (const inputs of input.chunks)
      answers.push(await again(() => client.crm.contacts.batchApi.create({ inputs })));
    return answers;
  },
};

commands[command]().then(
  (result) => console.log(JSON.stringify({ result, lost })),
  (error) => console.log(JSON.stringify({ error: String(error), code: error.code, lost })),
);
