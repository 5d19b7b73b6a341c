const { Client } = require("pg");

async function main() {
  const client = new Client();
  await client.connect();
  const read = async () => {
    for (;;) {
      const { rows } = await client.query("SELECT number, bucket, value FROM kpi.poll('wallboard')");
      if (rows.length === 0) return;
      for (const { number, bucket, value } of rows) console.log(number, bucket.getTime() / 1000, value.toFixed(2));
      await client.query("SELECT kpi.ack('wallboard', $1)", [rows.at(-1).number]);
    }
  };
  await client.query('LISTEN "kpi.updates.scan_time.minute"');
  let reading = read();
  const readOn = () => { reading = reading.then(read); }; // one after the other
  client.on("notification", readOn);
  setInterval(readOn, 60_000); // who does not poll counts as away
}

main();
