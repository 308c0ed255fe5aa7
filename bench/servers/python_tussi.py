"""The Python original under uvicorn: python_tussi.py PORT DIRECTORY fsync|no-fsync"""

import sys

import uvicorn
from tussi import FilesystemStorage, TUSApp

port, directory, fsync = sys.argv[1:]
app = TUSApp(
    storage=FilesystemStorage(f"{directory}/uploads", fsync=fsync == "fsync"),
    completed_dir=f"{directory}/completed",
    max_chunk_size=2**40,
)
uvicorn.run(
    app,
    host="127.0.0.1",
    port=int(port),
    loop="uvloop",
    http="httptools",
    log_level="warning",
    access_log=False,
    lifespan="off",
)
