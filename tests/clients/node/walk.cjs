// Calls what HubSpot's Node client has for CRM records and their surroundings, and
// prints what each call returned, or the status it failed with, as JSON.
//
//     node walk.cjs URL TOKEN
"use strict";

const { Client } = require("@hubspot/api-client");

const [basePath, accessToken] = process.argv.slice(2);
const { crm, events } = new Client({ accessToken, basePath });
const { contacts, companies, deals, lists, owners, pipelines, properties } = crm;
const v4 = crm.associations.v4;

const spec = { associationCategory: "HUBSPOT_DEFINED", associationTypeId: 279 };
const contact = { email: "ada@x.org", firstname: "Ada" };
const filter = { propertyName: "email", operator: "EQ", value: "ADA@x.org" };
const score = { name: "score_x", label: "Score", type: "number", fieldType: "number" };

// Each call takes what the calls before it returned, by their names.
const calls = {
  contact: () => contacts.basicApi.create({ properties: contact, associations: [] }),
  company: () => companies.basicApi.create({ properties: { name: "Acme" }, associations: [] }),
  associated: ({ company }) =>
    contacts.basicApi.create({
      properties: { email: "bob@x.org" },
      associations: [{ to: { id: company.id }, types: [spec] }],
    }),
  duplicate: () => contacts.basicApi.create({ properties: contact, associations: [] }),
  unknown: () => contacts.basicApi.getById("1"),
  read: ({ associated }) =>
    contacts.basicApi.getById(associated.id, ["email", "phone"], ["email"], ["companies"]),
  readByEmail: () =>
    contacts.basicApi.getById("ada@x.org", ["email"], undefined, undefined, false, "email"),
  updated: ({ contact }) =>
    contacts.basicApi.update(contact.id, { properties: { lastname: "Lovelace" } }),
  found: () =>
    contacts.searchApi.doSearch({
      filterGroups: [{ filters: [filter] }],
      sorts: ["-createdate"],
      properties: ["email"],
      limit: 5,
    }),
  batchRead: ({ contact }) =>
    contacts.batchApi.read({
      inputs: [{ id: contact.id }, { id: "1" }],
      properties: ["email"],
      propertiesWithHistory: ["email"],
    }),
  batchUpsert: () =>
    contacts.batchApi.upsert({
      inputs: ["ada@x.org", "new@x.org"].map((id) => ({
        id,
        idProperty: "email",
        properties: { jobtitle: "Countess" },
      })),
    }),
  batchUpdate: ({ contact }) =>
    contacts.batchApi.update({
      inputs: [contact.id, "1"].map((id) => ({ id, properties: { city: "London" } })),
    }),
  batchArchive: () => contacts.batchApi.archive({ inputs: [{ id: "1" }] }),
  associate: ({ contact, company }) =>
    v4.basicApi.createDefault("contacts", contact.id, "companies", company.id),
  associateAs: ({ contact, company }) =>
    v4.basicApi.create("contacts", contact.id, "companies", company.id, [spec]),
  associations: ({ contact }) => v4.basicApi.getPage("contacts", contact.id, "companies"),
  associationsRead: ({ contact }) =>
    v4.batchApi.getPage("contacts", "companies", { inputs: [{ id: contact.id }] }),
  labels: () => v4.schema.definitionsApi.getAll("contacts", "companies"),
  label: () =>
    v4.schema.definitionsApi.create("contacts", "companies", { label: "Boss", name: "boss" }),
  dissociate: ({ contact, company }) =>
    v4.basicApi.archive("contacts", contact.id, "companies", company.id),
  properties: () => properties.coreApi.getAll("contacts"),
  property: () =>
    properties.coreApi.create("contacts", { ...score, groupName: "contactinformation" }),
  propertyUpdated: () => properties.coreApi.update("contacts", "score_x", { label: "S" }),
  propertyArchived: () => properties.coreApi.archive("contacts", "score_x"),
  groups: () => properties.groupsApi.getAll("contacts"),
  pipelines: () => pipelines.pipelinesApi.getAll("deals"),
  stages: () => pipelines.pipelineStagesApi.getAll("deals", "default"),
  owners: () => owners.ownersApi.getPage(),
  list: () =>
    lists.listsApi.create({ name: "mine", objectTypeId: "0-1", processingType: "MANUAL" }),
  membersAdded: ({ list, contact }) =>
    lists.membershipsApi.add(list.list.listId, [contact.id]),
  members: ({ list }) => lists.membershipsApi.getPage(list.list.listId),
  listsFound: () => lists.listsApi.doSearch({ query: "mine" }),
  deal: () =>
    deals.basicApi.create({
      properties: { dealname: "Deal", dealstage: "appointmentscheduled", amount: "12.5" },
      associations: [],
    }),
  event: () =>
    events.send.basicApi.send({ eventName: "pe62515_x", properties: {}, email: "ada@x.org" }),
  merged: ({ contact, associated }) =>
    contacts.basicApi.merge({ primaryObjectId: contact.id, objectIdToMerge: associated.id }),
  archived: ({ company }) => companies.basicApi.archive(company.id),
  readArchived: ({ company }) =>
    companies.basicApi.getById(company.id, undefined, undefined, undefined, true),
};

(async () => {
  const results = {};
  const failed = {};
  for (const [name, call] of Object.entries(calls)) {
    try {
      results[name] = (await call(results)) ?? null;
    } catch (error) {
      failed[name] = error.code ?? String(error);
    }
  }
  console.log(JSON.stringify({ results, failed }));
})();
