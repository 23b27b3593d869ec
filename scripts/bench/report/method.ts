/** How the numbers come about, and what they do not tell. */
export const METHOD = `## How it was measured

- **Interleaved.** Each operation runs on one contestant right after the other, in an order that turns
  with every round. A ratio is made in each round; the table has the median of these, and the medians
  of the values. So a value by another value of the table need not be the ratio.
- **Alike.** All registries keep their data on the same disk and start every round with none. All of
  them check a bearer token with every request: Edgewater its own (EdDSA), the others one that is
  signed by the benchmark (RS256, which they verify fastest) and names its key; before a round each
  has to refuse a request without one. Request logs are off, other logs at the level of errors; everything else, so also when
  data is flushed to disk, is as shipped. Before an operation \`sync\` empties the disk’s queue.
- **limit** is what the runtime can do at all: Workers of a few lines under the same miniflare with
  the same direct socket, without a login. One only answers; one makes one D1 query with the joins of
  a pull by tag; one puts a body of known length into R2 by one \`put\`, or cuts a stream into parts of
  8 MiB, and gets either. A *checked* push is one of which R2 compares the SHA-256, as Edgewater has it
  do for every monolithic push: for *limit* that is another \`put\`, for the registries the same push.
- **Rates** by wrk on one thread with as many connections as there are requests at once, after a
  warm-up of a second. HEAD asks for an empty blob, for wrk waits for the body that a length announces.
- **Blobs** are pushed *monolithic* as containerd does (POST, PUT with a length) or *streamed* as
  docker does (POST, PATCH in chunks of 32 KiB, PUT), each with bytes that are new, over a kept
  connection. A *cold* pull is the first after the push, *warm* are the three after that, when half a
  second and a hundredth of one for each MB have passed: caches may be filled behind the first. The bytes
  are thrown away by a bare socket, which costs as little as curl.
- **Images** have new layers every time: a small one 6 of 64 KiB, a large one 5 of 32 MiB, a
  configuration and a manifest. A push asks for each blob, streams it and asks again, 5 at once as
  docker does; a pull asks for the tag, then reads the manifest by its digest and the blobs, 3 at
  once. *16 at once* is the time of all divided by their number.

What this leaves out: servers, load generator and disk are one machine and talk over loopback. There
is no network, no TLS, and no distance between Worker, database and bucket, which on Cloudflare count
for more than anything here; nor is there Cloudflare’s hardware. R2, D1 and the edge cache are
miniflare’s simulators: SQLite and files behind the one thread of a Durable Object each. The page tells
how good the local registry is and what the code adds to its runtime, not how fast a deployment is.`;
