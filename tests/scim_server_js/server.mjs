// An independent SCIM 2.0 service for tests: the scimmy and scimmy-routers packages over two maps.
// Called with the token that it asks for and the folder where the packages are; prints its port, and ends when its standard
// input does. POST /seed puts people and groups in without going through SCIM.
import { createHash, randomUUID } from "node:crypto";
import { createRequire } from "node:module";

const [token, packages] = process.argv.slice(2);
const load = createRequire(`${packages}/`);
const express = load("express");
const { default: SCIMMY = load("scimmy") } = load("scimmy");
const { default: SCIMMYRouters = load("scimmy-routers") } = load("scimmy-routers");
const users = new Map();
const groups = new Map();

const LONG_AGO = "2020-01-01T00:00:00.000Z";

const stamped = (data, id, before, now = new Date().toISOString()) => {
    const meta = { created: before?.meta.created ?? now, lastModified: now };
    meta.version = `W/"${createHash("sha1").update(JSON.stringify(data) + now + Math.random()).digest("hex")}"`;
    return { ...data, id, meta };
};
const missing = (id) => new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
const taken = (name) => new SCIMMY.Types.Error(409, "uniqueness", `${name} is taken`);
const plain = (instance) => JSON.parse(JSON.stringify(instance));

// Group members by person, made once and forgotten at each change.
let index = null;
const memberships = () => {
    if (index === null) {
        index = new Map();
        for (const group of groups.values()) {
            for (const member of group.members ?? []) {
                if (!index.has(member.value)) index.set(member.value, []);
                index.get(member.value).push({ value: group.id, display: group.displayName, type: "direct" });
            }
        }
    }
    return index;
};
const withGroups = (user) => ({ ...user, groups: memberships().get(user.id) ?? [] });

function served(store, unique, shown) {
    return {
        egress: (resource) => {
            if (resource.id) {
                if (!store.has(resource.id)) throw missing(resource.id);
                return shown(store.get(resource.id));
            }
            const all = [...store.values()];
            if (!resource.filter) return all.map(shown);
            return resource.filter.match(all.map(shown));
        },
        ingress: (resource, instance) => {
            const { id: _id, meta: _meta, schemas: _schemas, groups: _groups, ...data } = plain(instance);
            if (resource.id && !store.has(resource.id)) throw missing(resource.id);
            const name = data[unique];
            for (const other of store.values()) {
                if (other.id !== resource.id && other[unique]?.toLowerCase() === name?.toLowerCase()) throw taken(name);
            }
            index = null;
            const id = resource.id ?? randomUUID();
            store.set(id, stamped(data, id, store.get(id)));
            return shown(store.get(id));
        },
        degress: (resource) => {
            if (!store.delete(resource.id)) throw missing(resource.id);
            index = null;
            for (const group of groups.values()) {
                if (group.members?.some((member) => member.value === resource.id)) {
                    group.members = group.members.filter((member) => member.value !== resource.id);
                }
            }
        },
    };
}

const ofUsers = served(users, "userName", withGroups);
const ofGroups = served(groups, "displayName", (group) => group);
SCIMMY.Resources.declare(SCIMMY.Resources.User).ingress(ofUsers.ingress).egress(ofUsers.egress).degress(ofUsers.degress);
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false);
SCIMMY.Resources.declare(SCIMMY.Resources.Group).ingress(ofGroups.ingress).egress(ofGroups.egress).degress(ofGroups.degress);

const app = express();
app.post("/seed", express.json({ limit: "100mb" }), (request, response) => {
    users.clear();
    groups.clear();
    index = null;
    for (const { id, ...user } of request.body.users) users.set(id, stamped(user, id, null, LONG_AGO));
    for (const { id, ...group } of request.body.groups) groups.set(id, stamped(group, id, null, LONG_AGO));
    response.json({});
});
app.use("/scim/v2", new SCIMMYRouters({
    type: "bearer",
    handler: (request) => {
        if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("Authorization not detected");
        return "tests";
    },
}));
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
