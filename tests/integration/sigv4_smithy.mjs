// sigv4_smithy.mjs - @smithy/signature-v4 as a filter: cases as JSON lines in,
// canonical request, string to sign and Authorization header, or presigned URL, out.
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
  const request = {
    method: given.method,
    protocol: given.authority.split("//")[0],
    hostname: given.host,
    path: given.path,
    query: given.query,
    headers: given.headers,
    body: given.body,
  };
  const signingDate = new Date(given.time);
  if (given.expires) return presign(signer, given, request, signingDate);
  const signed = await signer.sign(request, { signingDate });
  return {
    canonical_request: signer.canonicalRequest,
    string_to_sign: signer.stringToSign,
    authorization: signed.headers.authorization,
  };
}

// As its S3 presigner does: the hash is in a header that is not signed. Headers
// stay headers, or every x-amz-* would move into the query.
async function presign(signer, given, request, signingDate) {
  const sha256 = "x-amz-content-sha256";
  if (given.s3) request.headers[sha256] = "UNSIGNED-PAYLOAD";
  const names = Object.keys(request.headers).map((name) => name.toLowerCase());
  const signed = await signer.presign(request, {
    signingDate,
    expiresIn: given.expires,
    unhoistableHeaders: new Set([...names, sha256]),
    unsignableHeaders: new Set([sha256]),
  });
  return {
    canonical_request: signer.canonicalRequest,
    string_to_sign: signer.stringToSign,
    url: `${given.authority}${given.path}?${written(signed.query)}`,
  };
}

const encoded = (text) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const written = (query) =>
  Object.entries(query)
    .flatMap(([key, value]) => [value].flat().map((one) => [key, one]))
    .map(([key, value]) => `${encoded(key)}=${encoded(value)}`)
    .join("&");

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await sign(JSON.parse(line)))}\n`);
}
