// sigv4_smithy.mjs - @smithy/signature-v4 as a filter: cases as JSON lines in,
// canonical request, string to sign and Authorization header out.
//
// Usage: node sigv4_smithy.mjs DIR_WITH_node_modules

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(resolve(process.argv[2], "index.js"));
const { SignatureV4 } = require("@smithy/signature-v4");
const { Sha256 } = require("@aws-crypto/sha256-js");

// The signer keeps its two intermediate texts to itself; a subclass listens.
class Overheard extends SignatureV4 {
  createCanonicalRequest(...args) {
    this.canonicalRequest = super.createCanonicalRequest(...args);
    return this.canonicalRequest;
  }

  async createStringToSign(...args) {
    this.stringToSign = await super.createStringToSign(...args);
    return this.stringToSign;
  }
}

async function sign(given) {
  const signer = new Overheard({
    service: given.service,
    region: given.region,
    credentials: {
      accessKeyId: given.access_key,
      secretAccessKey: given.secret_key,
      sessionToken: given.session_token || undefined,
    },
    sha256: Sha256,
    uriEscapePath: !given.s3,
    applyChecksum: given.s3,
  });
  const signed = await signer.sign(
    {
      method: given.method,
      protocol: "https:",
      hostname: given.host,
      path: given.path,
      query: given.query,
      headers: given.headers,
      body: given.body,
    },
    { signingDate: new Date(given.time) },
  );
  return {
    canonical_request: signer.canonicalRequest,
    string_to_sign: signer.stringToSign,
    authorization: signed.headers.authorization,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await sign(JSON.parse(line)))}\n`);
}
