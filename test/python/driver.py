"""Drives the real tussi 3.1 for the exchange tests: one command, one line of JSON."""
import asyncio
import json
import sys
from pathlib import Path

from tussi import FilesystemStorage, TUSApp, UploadRecord


def storage(root: Path) -> FilesystemStorage:
    return FilesystemStorage(root / 'uploads')


def app(root: Path) -> TUSApp:
    return TUSApp(storage=storage(root), completed_dir=root / 'completed')


async def create(root: Path, upload_id: str, length: str, metadata: str) -> dict:
    await storage(root).create(upload_id, int(length), json.loads(metadata), {'by': 'python'})
    return {}


async def write(root: Path, upload_id: str, offset: str, file: str) -> dict:
    info = await storage(root).write(upload_id, int(offset), Path(file).read_bytes())
    return {'offset': info.offset, 'metadata': info.metadata}


async def finalize(root: Path, upload_id: str) -> dict:
    await storage(root).finalize(upload_id, root / 'completed' / upload_id)
    return {}


async def info(root: Path, upload_id: str) -> dict:
    found = await storage(root).info(upload_id)
    return {'offset': found.offset, 'length': found.length, 'metadata': found.metadata}


async def work(root: Path, timeout: str, dest: str) -> dict:
    async with app(root).wait_for_file(timeout=float(timeout)) as upload:
        upload.save(Path(dest))
        return {'name': upload.name, 'record': json.loads(upload.record.model_dump_json())}


async def hold(root: Path) -> dict:
    """Claims, says so, and lets go when standard input ends."""
    async with app(root).wait_for_file(timeout=5) as upload:
        print(json.dumps({'name': upload.name}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
    return {}


async def dump(root: Path, file: str) -> dict:
    return json.loads(UploadRecord.from_file(Path(file)).model_dump_json())


async def normalize(root: Path, file: str) -> dict:
    record = UploadRecord.from_file(Path(file))
    Path(file).write_text(record.model_dump_json())
    return {}


COMMANDS = (create, write, finalize, info, work, hold, dump, normalize)

if __name__ == '__main__':
    command, place, *rest = sys.argv[1:]
    call = {each.__name__: each for each in COMMANDS}[command]
    print(json.dumps(asyncio.run(call(Path(place), *rest))), flush=True)
