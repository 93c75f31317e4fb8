// A morning with the generated client: a worker at the door, a secretary, and the township above.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import createClient from "openapi-fetch";

import type { components, paths } from "./generated/onegrid.js";

type Schemas = components["schemas"];

const baseUrl = process.env["ONEGRID_URL"] ?? "http://127.0.0.1:8000";
const password = process.env["ONEGRID_PASSWORD"] ?? "";

/** What an answer says; a problem ends the walk. */
function said<T>(answer: { data?: T; error?: unknown }): NonNullable<T> {
  assert(answer.data, JSON.stringify(answer.error));
  return answer.data;
}

async function signIn(login: string) {
  const client = createClient<paths>({ baseUrl });
  const tokens = said(await client.POST("/v1/sign-in", { body: { login, password } }));
  const headers = { Authorization: `Bearer ${tokens.access_token}` };
  return createClient<paths>({ baseUrl, headers });
}

type Client = Awaited<ReturnType<typeof signIn>>;

/** A day of the township, counted from today. */
function day(offset: number): string {
  return new Date(Date.now() + (offset * 24 + 8) * 3_600_000).toISOString().slice(0, 10);
}

async function registerHousehold(secretary: Client, gridId: string) {
  const residentId = randomUUID();
  const household: Schemas["HouseholdRecord"] = {
    id: randomUUID(),
    grid_id: gridId,
    name: "农家",
    residents: [{ id: residentId, name: "农大山", sex: "male", relation: "head" }],
  };
  const { id: householdId } = said(await secretary.POST("/v1/households", { body: household }));
  return { householdId, residentId };
}

async function beginQuarantine(secretary: Client, residentId: string) {
  const people = said(await secretary.GET("/v1/workers", { params: { query: { limit: 10 } } }));
  const begun = said(
    await secretary.POST("/v1/quarantines", {
      body: {
        id: randomUUID(),
        resident_id: residentId,
        reason: "medium_risk_area",
        category: "home_quarantine",
        place_kind: "home",
        started_on: day(0),
        planned_end_on: day(7),
        team: people.items.slice(0, 4).map((worker) => ({ id: randomUUID(), worker_id: worker.id })),
      },
    }),
  );
  assert.equal(begun.team_complete, true);
  return begun.id;
}

async function visitTwice(worker: Client, householdId: string) {
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
}

/** Measure whom my day names, and send it as my day says; a fever is told also when none is due. */
async function measureFever(worker: Client, quarantineId: string) {
  const { stops } = said(await worker.GET("/v1/my-day"));
  const duty = stops.flatMap((stop) => stop.duties).find((each) => each.kind === "reading");
  const { path, body } = duty?.report ?? { path: "/v1/readings", body: { quarantine_id: quarantineId } };
  assert.equal(path, "/v1/readings");
  const asked = body as Pick<Schemas["ReadingRecord"], "quarantine_id" | "window">;
  assert.equal(asked.quarantine_id, quarantineId);
  const reading = said(
    await worker.POST("/v1/readings", { body: { ...asked, id: randomUUID(), value_c: 38.2 } }),
  );
  assert.equal(reading.abnormal, true);
}

/** The secretary hears of the fever, and answers for it. */
async function answerFever(secretary: Client, quarantineId: string, after: string) {
  const told = said(await secretary.GET("/v1/events/poll", { params: { query: { after } } }));
  const opened = told.items.find((event) => event.kind === "alert.opened");
  assert.equal(opened?.quarantine_id, quarantineId);
  const params = { path: { alert_id: opened.subject_id } };
  const alert = said(await secretary.POST("/v1/alerts/{alert_id}/acknowledge", { params }));
  assert.deepEqual([alert.cause, alert.status], ["fever", "acknowledged"]);
  const nothing = said(
    await secretary.GET("/v1/events/poll", { params: { query: { after: told.next } } }),
  );
  assert(nothing.items.every((event) => event.event_id > opened.event_id));
}

async function order(secretary: Client, worker: Client, gridId: string) {
  const issued = said(
    await secretary.POST("/v1/directives", {
      body: {
        id: randomUUID(),
        grid_id: gridId,
        title: "返乡人员再排查",
        body: "逐户反馈人数。",
        deadline_at: new Date(Date.now() + 6 * 3_600_000).toISOString(),
        roles: ["grid_worker"],
      },
    }),
  );
  const params = { path: { directive_id: issued.id } };
  const body = { report: "已排查 1 户,返乡 1 人,已登记。" };
  said(await worker.POST("/v1/directives/{directive_id}/report", { params, body }));
  const progress = said(await secretary.GET("/v1/directives/{directive_id}/progress", { params }));
  assert.equal(progress.total.outstanding, 0);
}

/** The rules of the day: a protocol that ships with the service, and a county at risk. */
async function prepareRules(leader: Client) {
  const params = { path: { code: "cn_v9" } };
  const body = { id: randomUUID(), effective_from: day(-30), activate: true };
  said(await leader.POST("/v1/protocol-presets/{code}", { params, body }));
  const area: Schemas["RiskAreaRecord"] = {
    id: randomUUID(),
    code_prefix: "451026",
    name: "岭边县",
    level: "medium",
    from_on: day(-7),
    announcement: "县防控指挥部2022年第5号公告",
  };
  said(await leader.POST("/v1/risk-areas", { body: area }));
}

/** Somebody comes from there: what is proposed is what anybody may try beforehand. */
async function receive(secretary: Client, householdId: string) {
  const arrival = said(
    await secretary.POST("/v1/arrivals", {
      body: {
        id: randomUUID(),
        household_id: householdId,
        name: "黄小妹",
        expected_on: day(0),
        stays: [{ code: "451026101", from_on: day(-20), to_on: day(0) }],
      },
    }),
  );
  assert.equal(arrival.risk_level, "medium");
  const params = { path: { arrival_id: arrival.id } };
  const proposal = said(await secretary.GET("/v1/arrivals/{arrival_id}/proposal", { params }));
  const facts: Schemas["FactsTold"] = {
    exposure_class: "returnee",
    risk_level: "medium",
    left_risk_area_on: day(0),
    arrived_on: day(0),
  };
  const tried = said(
    await secretary.POST("/v1/protocols/what-if", { body: { on: day(0), facts } }),
  );
  assert(proposal.plan && tried.plan);
  assert.deepEqual(proposal.plan.stages, tried.plan.stages);
  return proposal.plan;
}

const leader = await signIn("zhou");
await prepareRules(leader);

const secretary = await signIn("lin");
const tree = said(await secretary.GET("/v1/grids"));
const grid = tree.items.find((node) => node.kind === "basic");
assert(grid);
const { householdId, residentId } = await registerHousehold(secretary, grid.id);
const quarantineId = await beginQuarantine(secretary, residentId);
const { next: before } = said(await secretary.GET("/v1/events/poll"));

const worker = await signIn("ming");
await visitTwice(worker, householdId);
await measureFever(worker, quarantineId);
await answerFever(secretary, quarantineId, before);
await order(secretary, worker, grid.id);
const plan = await receive(secretary, householdId);

console.log(`${tree.items.length} grids, 1 fever answered, ${plan.name}: the client works`);
