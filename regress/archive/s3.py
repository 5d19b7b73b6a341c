#!/usr/bin/env python3
"""What the suites do in a bucket without pg_kpi: they look what is there, and damage it.

    s3.py list [PREFIX]      a line for each object: its key and its size, with a tab between
    s3.py get KEY FILE       s3.py put KEY FILE      s3.py delete KEY

The bucket is that of S3_ENDPOINT, S3_REGION, S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY (scripts/garage env NAME).
"""

import datetime
import hashlib
import hmac
import http.client
import os
import sys
import urllib.parse
import xml.etree.ElementTree


def request(method, key="", query=None, body=b""):
    """The body of the answer to a request that is signed with AWS Signature Version 4."""
    endpoint = urllib.parse.urlsplit(os.environ["S3_ENDPOINT"])
    region, secret = os.environ["S3_REGION"], os.environ["S3_SECRET_ACCESS_KEY"]
    path = urllib.parse.quote(f"/{os.environ['S3_BUCKET']}" + (f"/{key}" if key else ""))
    pairs = "&".join(f"{name}={urllib.parse.quote(value, safe='')}" for name, value in sorted((query or {}).items()))
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": endpoint.netloc, "x-amz-content-sha256": digest, "x-amz-date": now}
    signed = ";".join(headers)
    canonical = "\n".join([method, path, pairs, *(f"{name}:{value}" for name, value in headers.items()), "", signed, digest])
    scope = f"{now[:8]}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signing = ("AWS4" + secret).encode()
    for part in (*scope.split("/"), text):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={os.environ['S3_ACCESS_KEY_ID']}/{scope}, SignedHeaders={signed}, Signature={signing.hex()}"
    )
    kind = http.client.HTTPSConnection if endpoint.scheme == "https" else http.client.HTTPConnection
    connection = kind(endpoint.hostname, endpoint.port, timeout=60)
    connection.request(method, path + ("?" + pairs if pairs else ""), body or None, headers)
    response = connection.getresponse()
    answer = response.read()
    if response.status >= 300:
        sys.exit(f"{method} {path}: {response.status} {answer.decode(errors='replace')}")
    return answer


def entries(prefix):
    token = None
    while True:
        query = {"list-type": "2", "prefix": prefix}
        if token:
            query["continuation-token"] = token
        tree = xml.etree.ElementTree.fromstring(request("GET", query=query))
        space = tree.tag[: tree.tag.index("}") + 1]
        for entry in tree.iter(space + "Contents"):
            yield entry.findtext(space + "Key"), int(entry.findtext(space + "Size"))
        token = tree.findtext(space + "NextContinuationToken")
        if not token:
            return


def main():
    match sys.argv[1:]:
        case ["list", *prefix]:
            for key, size in entries(*prefix or [""]):
                print(f"{key}\t{size}")
        case ["get", key, path]:
            answer = request("GET", key)
            with open(path, "wb") as file:
                file.write(answer)
        case ["put", key, path]:
            with open(path, "rb") as file:
                request("PUT", key, body=file.read())
        case ["delete", key]:
            request("DELETE", key)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
