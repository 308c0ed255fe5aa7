"""Sends a file by tuspy: URL FILE CHUNK [STOP_AT [UPLOAD_URL]]; prints the upload's URL."""
import sys

from tusclient import client

endpoint, path, chunk, *rest = sys.argv[1:]
uploader = client.TusClient(endpoint).uploader(
    path,
    chunk_size=int(chunk),
    metadata={'filename': 'from tuspy'},
    retries=3,
    retry_delay=1,
    **({'url': rest[1]} if len(rest) > 1 else {}),
)
uploader.upload(**({'stop_at': int(rest[0])} if rest and int(rest[0]) else {}))
print(uploader.url)
