// The normalizer in idiomatic JavaScript: a Firehose transformation function for contact records.
//
//     normalizer.mjs <columns> <event> <response> <seconds>
//
// handles the event repeatedly, writes the last response, and prints the median time.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const UNION_MEMBERS = new Set(["valuestring", "valueinteger", "valuearn", "valuemap", "valuelist"]);

/** The columns of an object as a tree of source paths. */
function treeOf(columns) {
  const tree = new Map();
  for (const column of columns) {
    const leaf = { name: column.name, kind: column.kind, fields: column.fields && treeOf(column.fields) };
    for (const path of column.source) {
      const groups = path.split(".");
      const field = groups.pop();
      let group = tree;
      for (const name of groups) {
        if (!group.has(name)) group.set(name, new Map());
        group = group.get(name);
      }
      group.set(field, leaf);
    }
  }
  return tree;
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

function isAbsent(value) {
  if (value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.values(value).every(isAbsent);
}

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

function timestamp(text) {
  if (!RFC_3339.test(text)) return undefined;
  const instant = new Date(text);
  return Number.isNaN(instant.getTime()) ? undefined : instant.toISOString();
}

function ordered(value) {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, ordered(value[key])]));
}

const jsonText = (value) => JSON.stringify(ordered(value));

const textOf = (value) => (typeof value === "string" ? value : jsonText(value));

function textOfUnion(value) {
  if (isObject(value)) {
    const members = Object.entries(value).filter(([, member]) => !isAbsent(member));
    if (members.length === 1 && UNION_MEMBERS.has(members[0][0].toLowerCase())) return textOf(members[0][1]);
  }
  return textOf(value);
}

function textMap(value, text) {
  const map = {};
  for (const key of Object.keys(value).sort()) if (!isAbsent(value[key])) map[key] = text(value[key]);
  return map;
}

function cell({ kind, fields }, value, path, extra) {
  switch (kind) {
    case "Text":
      if (typeof value === "string") return value;
      break;
    case "Integer":
      if (Number.isInteger(value)) return value;
      break;
    case "Double":
      if (typeof value === "number") return value;
      break;
    case "Boolean":
      if (typeof value === "boolean") return value;
      break;
    case "Timestamp": {
      const instant = typeof value === "string" ? timestamp(value) : undefined;
      if (instant !== undefined) return instant;
      break;
    }
    case "TextMap":
      if (isObject(value)) return textMap(value, textOf);
      break;
    case "UnionMap":
      if (isObject(value)) return textMap(value, textOfUnion);
      break;
    case "TextList":
      if (Array.isArray(value) && value.every((text) => typeof text === "string")) return value;
      break;
    case "StructList":
      if (typeof value === "object") {
        const structs = [];
        (Array.isArray(value) ? value : [value]).forEach((element, index) => {
          if (isObject(element)) {
            const struct = {};
            walk(fields, element, `${path}[${index}]`, struct, extra);
            if (Object.keys(struct).length > 0) structs.push(struct);
          } else if (!isAbsent(element)) {
            extra[`${path}[${index}]`] = element;
          }
        });
        return structs.length > 0 ? structs : undefined;
      }
      break;
    case "StructMap":
      if (isObject(value)) {
        const keyName = fields.values().next().value.name;
        const structs = Object.keys(value).sort().map((key) => {
          const struct = { [keyName]: key };
          walk(fields, value[key], `${path}.${key}`, struct, extra);
          return struct;
        });
        return structs.length > 0 ? structs : undefined;
      }
      break;
    case "Json":
      return jsonText(value);
  }
  extra[path] = value;
  return undefined;
}

function walk(tree, source, path, row, extra) {
  for (const [name, value] of Object.entries(source)) {
    if (isAbsent(value)) continue;
    const here = path === "" ? name : `${path}.${name}`;
    const column = tree.get(name);
    if (column === undefined) {
      extra[here] = value;
    } else if (column instanceof Map) {
      if (isObject(value)) walk(column, value, here, row, extra);
      else extra[here] = value;
    } else {
      const held = cell(column, value, here, extra);
      if (held !== undefined) row[column.name] = held;
    }
  }
}

function secondsBetween(start, end) {
  if (start === undefined || end === undefined) return undefined;
  return Math.floor((Date.parse(end) - Date.parse(start)) / 1000);
}

function resource(arn, kind) {
  const name = arn?.split(`/${kind}/`, 2)[1];
  return name?.replace(/^agent\//, "") || undefined;
}

const possible = (seconds) => (seconds >= 0 ? seconds : undefined);

function derive(row) {
  const talk = possible(row.agent_interaction_duration_seconds);
  const hold = possible(row.agent_customer_hold_duration_seconds);
  const work = possible(
    row.agent_after_contact_work_duration_seconds ??
      secondsBetween(row.agent_after_contact_work_start_timestamp, row.agent_after_contact_work_end_timestamp),
  );
  const pause = possible(row.agent_pause_duration_seconds);
  const answered = row.agent_connected_to_agent_timestamp !== undefined;
  const transferred = ["transferred_to_endpoint_address", "transfer_completed_timestamp", "next_contact_id"].some(
    (name) => row[name] !== undefined,
  );
  const reason = row.disconnect_reason;
  let abandoned = false;
  let abandonedIn;
  if (!answered && !transferred && row.disconnect_timestamp !== undefined) {
    if (row.queue_enqueue_timestamp !== undefined) {
      abandoned = (reason === "CUSTOMER_DISCONNECT" || reason === undefined) && row.initiation_method !== "CALLBACK";
      if (abandoned) abandonedIn = (row.agent_connection_attempts ?? 0) > 0 ? "ringing" : "queue";
    } else if (reason === "CUSTOMER_DISCONNECT" && row.initiation_method === "INBOUND") {
      abandonedIn = "ivr";
    }
  }
  return {
    instance_id: row.instance_arn?.split("instance/", 2)[1]?.split("/")[0],
    agent_id: resource(row.agent_arn, "agent"),
    queue_id: resource(row.queue_arn, "queue"),
    contact_duration_seconds: possible(secondsBetween(row.initiation_timestamp, row.disconnect_timestamp)),
    queue_wait_seconds: possible(
      row.queue_duration_seconds ?? secondsBetween(row.queue_enqueue_timestamp, row.queue_dequeue_timestamp),
    ),
    answer_seconds: possible(secondsBetween(row.queue_enqueue_timestamp, row.agent_connected_to_agent_timestamp)),
    talk_seconds: talk,
    hold_seconds: hold,
    after_contact_work_seconds: work,
    handle_seconds: talk === undefined ? undefined : talk + (hold ?? 0) + (work ?? 0) + (pause ?? 0),
    answered,
    abandoned,
    abandoned_in: abandonedIn,
    transferred,
    recorded:
      row.recording_location !== undefined ||
      (row.recordings ?? []).some((recording) => recording.location !== undefined),
  };
}

function rowOf(tree, data, arrival) {
  const record = JSON.parse(data);
  if ("AgentARN" in record || "EventType" in record || "CurrentAgentSnapshot" in record) return undefined;
  for (const name of ["ContactId", "InstanceARN"]) {
    if (typeof record[name] !== "string" || record[name] === "") throw new Error(name);
  }
  for (const name of ["InitiationTimestamp", "LastUpdateTimestamp"]) {
    if (timestamp(record[name]) === undefined) throw new Error(name);
  }
  const row = {};
  const extra = {};
  walk(tree, record, "", row, extra);
  if (Object.keys(extra).length > 0) row.extra = JSON.stringify(ordered(extra));
  const contentHash = createHash("md5").update(JSON.stringify(row)).digest("hex");
  const derived = derive(row);
  row.record_kind = "contact_record";
  Object.assign(row, derived);
  row.schema_version = 1;
  row.content_hash = contentHash;
  if (arrival !== undefined) row.arrival_timestamp = new Date(arrival).toISOString();
  return row;
}

function answerTo(tree, { recordId, data, approximateArrivalTimestamp }) {
  let row;
  try {
    row = rowOf(tree, Buffer.from(data, "base64").toString("utf8"), approximateArrivalTimestamp);
  } catch {
    return { recordId, result: "ProcessingFailed" };
  }
  if (row === undefined) return { recordId, result: "Dropped" };
  return {
    recordId,
    result: "Ok",
    data: Buffer.from(JSON.stringify(row) + "\n", "utf8").toString("base64"),
    metadata: { partitionKeys: { contact_date: row.initiation_timestamp.slice(0, 10) } },
  };
}

const [columnsFile, eventFile, responseFile, seconds] = process.argv.slice(2);
const tree = treeOf(JSON.parse(readFileSync(columnsFile, "utf8")));
const event = readFileSync(eventFile);
const handle = () => {
  const { records } = JSON.parse(event.toString("utf8"));
  return Buffer.from(JSON.stringify({ records: records.map((record) => answerTo(tree, record)) }), "utf8");
};
let answer = handle();
const times = [];
const end = performance.now() + Number(seconds) * 1000;
while (times.length === 0 || performance.now() < end) {
  const begin = performance.now();
  answer = handle();
  times.push((performance.now() - begin) / 1000);
}
writeFileSync(responseFile, answer);
times.sort((one, other) => one - other);
console.log(times[Math.floor(times.length / 2)]);
