// Run by mongosh at every start: the one node becomes a replica set, which transactions need, and each
// service gets a user who may touch its own database only. Safe to run again; a new secret takes effect.
const fs = require("fs");

const PATIENCE_S = 120;
const secret = (name) => fs.readFileSync(`/run/secrets/${name}`, "utf8").trim();

function connected() {
  const password = encodeURIComponent(secret("mongo-root-password"));
  const options = "authSource=admin&directConnection=true&serverSelectionTimeoutMS=2000";
  for (let left = PATIENCE_S; ; left--) {
    try {
      return connect(`mongodb://root:${password}@mongo:27017/admin?${options}`);
    } catch (error) {
      // On its very first start the server is up without users, then restarts.
      if (!left) throw error;
      sleep(1000);
    }
  }
}

function makeReplicaSet(admin) {
  try {
    admin.runCommand({ replSetGetStatus: 1 });
  } catch (error) {
    if (error.codeName !== "NotYetInitialized") throw error;
    admin.runCommand({ replSetInitiate: { _id: "rs0", members: [{ _id: 0, host: "mongo:27017" }] } });
  }
  for (let left = PATIENCE_S; !admin.hello().isWritablePrimary; left--) {
    if (!left) throw new Error("the replica set elects no primary");
    sleep(1000);
  }
}

function makeUser(admin, url) {
  const { username, password } = new URL(url);
  const wish = { pwd: decodeURIComponent(password), roles: [{ role: "readWrite", db: username }] };
  if (admin.getUser(username)) {
    admin.updateUser(username, wish);
  } else {
    admin.createUser({ user: username, ...wish });
  }
  print(`${username} may use its own database`);
}

const admin = connected();
makeReplicaSet(admin);
for (const name of fs.readdirSync("/run/secrets")) {
  if (name.endsWith("-mongo-url")) makeUser(admin, secret(name));
}
