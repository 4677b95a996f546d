// kafkajs in one cell of the client matrix: node client.js SETTINGS.json
//
// What SETTINGS.json holds and what is printed: see the module doc of `run` in the folder above.
const fs = require('node:fs');
const { Kafka, CompressionTypes, CompressionCodecs, Partitioners, logLevel } = require('kafkajs');

CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy');

const settings = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const codecs = {
  none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy,
};
const pause = (ms) => new Promise((go) => { setTimeout(go, ms); });
const say = (line) => console.log(JSON.stringify(line));

function login() {
  const { mechanism, username, password, token } = settings;
  if (!mechanism) return undefined;
  if (mechanism === 'OAUTHBEARER') {
    return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: token }) };
  }
  return { mechanism: mechanism.toLowerCase(), username, password };
}

function tls() {
  if (!settings.ca) return false;
  const read = (path) => (path ? fs.readFileSync(path, 'utf8') : undefined);
  return { ca: read(settings.ca), cert: read(settings.cert), key: read(settings.key) };
}

const kafka = new Kafka({
  clientId: 'kafkajs', brokers: settings.bootstrap.split(','), logLevel: logLevel.NOTHING,
  sasl: login(), ssl: tls(), retry: { retries: 15, maxRetryTime: 2000 },
});

function producer(more) {
  return kafka.producer({
    idempotent: true, maxInFlightRequests: 1, createPartitioner: Partitioners.DefaultPartitioner,
    ...more,
  });
}

async function produce(codec, values) {
  const client = producer();
  await client.connect();
  const messages = values.map((value, i) => ({ key: `k${i}`, value }));
  await client.send({ topic: settings.topic, messages, acks: -1, compression: codecs[codec] });
  await client.disconnect();
}

async function consume(topic, wanted) {
  const client = kafka.consumer({ groupId: settings.group });
  await client.connect();
  await client.subscribe({ topics: [topic], fromBeginning: true });
  const values = [];
  await client.run({
    autoCommit: false,
    eachBatch: async ({ batch, commitOffsetsIfNecessary }) => {
      values.push(...batch.messages.map((message) => message.value.toString()));
      const offset = (BigInt(batch.lastOffset()) + 1n).toString();
      await commitOffsetsIfNecessary({
        topics: [{ topic, partitions: [{ partition: batch.partition, offset }] }],
      });
    },
  });
  const end = Date.now() + 40000;
  while (values.length < wanted.length && Date.now() < end) await pause(50);
  await pause(200);
  await client.disconnect();
  if (values.sort().join() !== [...wanted].sort().join()) {
    throw new Error(`read ${values.length} of ${wanted.length} values`);
  }
}

async function committed(count) {
  const admin = kafka.admin();
  await admin.connect();
  const topics = await admin.fetchOffsets({ groupId: settings.group, topics: [settings.topic] });
  await admin.disconnect();
  const all = topics.flatMap((topic) => topic.partitions);
  const sum = all.reduce((total, { offset }) => total + Math.max(Number(offset), 0), 0);
  if (sum !== count) throw new Error(`committed ${sum} of ${count}`);
}

async function transactions() {
  const client = producer({ transactionalId: settings.transactional_id });
  await client.connect();
  for (const word of ['out', 'in']) {
    const transaction = await client.transaction();
    const messages = [0, 1, 2].map((i) => ({ key: `k${i}`, value: `${word}-${i}` }));
    await transaction.send({ topic: settings.transactions, messages });
    await (word === 'in' ? transaction.commit() : transaction.abort());
  }
  await client.disconnect();
  await consume(settings.transactions, ['in-0', 'in-1', 'in-2']);
}

async function matrix() {
  const sent = [];
  for (const codec of settings.codecs) {
    const values = Array.from({ length: settings.records }, (_, i) => `${codec}-${i}`);
    await step(`produce ${codec}`, () => produce(codec, values));
    sent.push(...values);
  }
  await step('consume in a group', () => consume(settings.topic, sent));
  await step('committed offsets', () => committed(sent.length));
  await step('transaction', transactions);
}

async function outcome(target, value) {
  // A compacted topic refuses a record without a key, as a rule refuses a bad one.
  const key = value === 'bad' ? null : 'key';
  const messages = [{ key, value, partition: 0 }];
  try {
    await target.send({ topic: settings.topic, messages, acks: -1 });
    return value;
  } catch (failure) {
    return `${value}: ${failure.type ?? failure.cause?.type ?? failure.message}`;
  }
}

async function refused() {
  const client = producer();
  await client.connect();
  const outcomes = [];
  for (const value of ['good', 'bad', 'good', 'good']) outcomes.push(await outcome(client, value));
  say({ step: 'idempotent', outcomes });
  await client.disconnect();
  const writer = producer({ transactionalId: settings.transactional_id });
  await writer.connect();
  const steps = [];
  for (const values of [['good', 'bad'], ['good'], ['good']]) {
    try {
      const transaction = await writer.transaction();
      let good = true;
      for (const value of values) {
        const line = await outcome(transaction, value);
        good &&= line === value;
        steps.push(line);
      }
      await (good ? transaction.commit() : transaction.abort());
      steps.push(good ? 'commit' : 'abort');
    } catch (failure) {
      steps.push(`end: ${failure.message}`);
    }
  }
  say({ step: 'transactional', outcomes: steps });
  await writer.disconnect();
}

async function steady() {
  const client = producer();
  await client.connect();
  say({ step: 'started' });
  let sent = 0;
  let acknowledged = 0;
  const errors = [];
  while (!fs.existsSync(settings.until)) {
    const value = `r-${sent++}`;
    try {
      // It chooses a partition anew when it sends again, so that the same sequence numbers stand
      // for other records: with or without Lockgate, that loses some and stores others twice.
      const messages = [{ value, partition: 0 }];
      await client.send({ topic: settings.topic, messages, acks: -1 });
      acknowledged += 1;
    } catch (failure) {
      errors.push(failure.message);
    }
  }
  say({ step: 'steady', sent, acknowledged, errors });
  await client.disconnect();
}

async function step(name, action) {
  const line = { step: name };
  try {
    await action();
  } catch (failure) {
    line.error = String(failure.message ?? failure);
  }
  say(line);
}

const actions = { matrix, refused, steady };
actions[settings.do]().then(() => process.exit(0), (failure) => {
  console.error(failure);
  process.exit(1);
});
