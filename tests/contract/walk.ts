// A day with the generated client: sign in, read the tree, register, visit, begin a quarantine, take a round.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import createClient from "openapi-fetch";

import type { components, paths } from "./generated/onegrid.js";

type Schemas = components["schemas"];

const baseUrl = process.env["ONEGRID_URL"] ?? "http://127.0.0.1:8000";
const password = process.env["ONEGRID_PASSWORD"] ?? "";

async function signIn(login: string) {
  const client = createClient<paths>({ baseUrl });
  const { data, error } = await client.POST("/v1/sign-in", { body: { login, password } });
  assert(data, JSON.stringify(error));
  const headers = { Authorization: `Bearer ${data.access_token}` };
  return createClient<paths>({ baseUrl, headers });
}

type Client = Awaited<ReturnType<typeof signIn>>;

async function registerHousehold(secretary: Client, gridId: string) {
  const residentId = randomUUID();
  const household: Schemas["HouseholdRecord"] = {
    id: randomUUID(),
    grid_id: gridId,
    name: "农家",
    residents: [{ id: residentId, name: "农大山", sex: "male", relation: "head" }],
  };
  const { data, error } = await secretary.POST("/v1/households", { body: household });
  assert(data, JSON.stringify(error));
  return { householdId: data.id, residentId };
}

async function beginQuarantine(secretary: Client, residentId: string, workerIds: string[]) {
  const day = (offset: number) => {
    const then = new Date(Date.now() + (offset * 24 + 8) * 3_600_000);
    return then.toISOString().slice(0, 10);
  };
  const { data, error } = await secretary.POST("/v1/quarantines", {
    body: {
      id: randomUUID(),
      resident_id: residentId,
      reason: "medium_risk_area",
      category: "home_quarantine",
      place_kind: "home",
      started_on: day(0),
      planned_end_on: day(7),
      team: workerIds.map((worker_id) => ({ id: randomUUID(), worker_id })),
    },
  });
  assert(data, JSON.stringify(error));
  assert.equal(data.team_complete, true);
  return data.id;
}

const secretary = await signIn("lin");
const tree = await secretary.GET("/v1/grids");
assert(tree.data, JSON.stringify(tree.error));
const grid = tree.data.items.find((node) => node.kind === "basic");
assert(grid);

const people = await secretary.GET("/v1/workers", { params: { query: { limit: 10 } } });
assert(people.data, JSON.stringify(people.error));
const team = people.data.items.slice(0, 4).map((worker) => worker.id);

const { householdId, residentId } = await registerHousehold(secretary, grid.id);
const quarantineId = await beginQuarantine(secretary, residentId, team);

const worker = await signIn("ming");
const visit: Schemas["VisitRecord"] = {
  id: randomUUID(),
  household_id: householdId,
  mode: "visit",
  outcome: "met",
  purposes: ["screening"],
  needs: [],
  visited_at: new Date().toISOString(),
};
const first = await worker.POST("/v1/visits", { body: visit });
assert.equal(first.response.status, 201);
const again = await worker.POST("/v1/visits", { body: visit });
assert.equal(again.response.status, 200, "the same visit sent twice is one visit");
const other = await worker.POST("/v1/visits", { body: { ...visit, outcome: "refused" } });
assert.equal(other.error?.type, "/problems/record-differs");

const round = await worker.POST("/v1/rounds", {
  body: {
    id: randomUUID(),
    method: "electronic",
    site: "axillary",
    normal: { value_c: 36.5, quarantine_ids: [quarantineId] },
    exceptions: [],
    readings: [],
  },
});
assert(round.data, JSON.stringify(round.error));
assert.equal(round.data.created, 1);

console.log(`${tree.data.items.length} grids, 1 visit, ${round.data.created} temperature: the client works`);
