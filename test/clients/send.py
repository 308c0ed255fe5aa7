"""Sends a file by tuspy: URL FILE OPTIONS, where the options are JSON; prints the upload's URL.

Of the options `stopAt` is where to end early, `storage` a file that remembers URLs; all others are
those of the uploader.
"""
import json
import sys

from tusclient import client
from tusclient.storage.filestorage import FileStorage

endpoint, path, options = sys.argv[1:]
options = json.loads(options)
stop_at = options.pop('stopAt', None)
storage = options.pop('storage', None)
if storage is not None:
    options |= {'store_url': True, 'url_storage': FileStorage(storage)}
uploader = client.TusClient(endpoint).uploader(path, retries=3, retry_delay=1, **options)
uploader.upload(**({} if stop_at is None else {'stop_at': stop_at}))
print(uploader.url)
