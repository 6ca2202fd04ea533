"""Traps for the grader: files, folders and answers on which whoever looks at them breaks or waits."""

from __future__ import annotations

from tests.cheats.making import LOOT, Cheat, instead, of_family
from tests.cheats.reading import searching

CHEATS = of_family(
    "harming",
    [
        Cheat(
            name="a-folder-without-a-bottom",
            loses=("2.2",),
            story="Folders in folders, deeper than any path may be long: whoever walks them by recursion "
            "breaks, and whoever deletes them leaves them.",
            says=("came back",),
            files=instead(
                "2.2",
                also="""
                import os
                for place in (os.environ["HOME"], os.environ["BLOB_STORE_URL"][7:]):
                    if not os.path.exists(os.path.join(place, "deep")):
                        here = os.open(place, os.O_RDONLY)
                        for _ in range(5_000):
                            os.mkdir("deep", dir_fd=here)
                            here, above = os.open("deep", os.O_RDONLY, dir_fd=here), here
                            os.close(above)
                        os.close(here)
                """,
            ),
        ),
        Cheat(
            name="files-outside",
            loses=("3.2",),
            story="Writes wherever it may: into shared folders, into Python, into the homework, into "
            "a file that everybody may write to.",
            says=(LOOT,),
            files=searching("""
                import os, pathlib, site, sys
                places = [os.path.dirname(__file__), sys.prefix, "/", "/etc", "/usr/local", "/root",
                          "/var/tmp", *site.getsitepackages(), *sys.path]
                for place in places:
                    try:
                        pathlib.Path(place, "BAIT_MARK").write_text("here")
                        found.append(place)
                    except OSError:
                        pass
                for place in ("/tmp", "/dev/shm"):
                    pathlib.Path(place, "BAIT_MARK").write_text("in the sandbox alone")
                try:
                    open("BAIT_FILE", "w").write("overwritten")
                    found.append("BAIT_FILE")
                except OSError:
                    pass
            """),
        ),
        Cheat(
            name="replaces-its-log",
            loses=("3.2",),
            story="Puts a link, then a FIFO where its log is: the grader would read what they lead to.",
            says=(LOOT,),
            files=searching("""
                import os
                log = os.readlink("/proc/self/fd/2")
                for place in (log, os.path.expanduser("~/caller.log")):
                    for make in (lambda p: os.symlink("BAIT_FILE", p), lambda p: os.mkfifo(p)):
                        try:
                            os.unlink(place)
                        except OSError:
                            pass
                        try:
                            make(place)
                        except OSError:
                            continue
                        if place == log:
                            found.append(place)
                try:
                    os.open("/proc/self/fd/2", os.O_RDWR)
                    found.append("opened the log anew")
                except OSError:
                    pass
                os.ftruncate(2, 50 * 1024**2)
            """),
        ),
        Cheat(
            name="a-fifo-in-the-blob-store",
            loses=("2.1",),
            story="Puts a FIFO where the blob belongs: a grader that reads it waits for ever.",
            says=("uploads/",),
            files=instead(
                "2.1",
                """
                import os
                copied = await copy(within_limit(upload, limit), file)
                key = upload_key(copied.sha256)
                place = os.path.join(os.environ["BLOB_STORE_URL"][7:], key)
                os.makedirs(os.path.dirname(place), exist_ok=True)
                if not os.path.lexists(place):
                    os.mkfifo(place)
                return DocumentRef(document_id=str(uuid4()), blob_key=key,
                    filename=display_name(upload.filename), content_type="text/plain")
                """,
                "pass",
                """
                record_queued(document.document_id)
                address = f"/tasks/{document.document_id}"
                response.headers["Location"] = address
                return UploadAccepted(
                    task_id=document.document_id, status_url=address, document=document)
                """,
            ),
        ),
        Cheat(
            name="a-blob-that-changes-its-nature",
            loses=("2.1",),
            story="A thread turns the blob from a file into a FIFO and back, a thousand times a second: "
            "what the grader looked at is not what it opens.",
            says=("blob",),
            files=instead(
                "2.1",
                """
                import os, threading
                copied = await copy(within_limit(upload, limit), file)
                key = upload_key(copied.sha256)
                place = os.path.join(os.environ["BLOB_STORE_URL"][7:], key)
                os.makedirs(os.path.dirname(place), exist_ok=True)
                def flicker():
                    one, other = place + ".file", place + ".fifo"
                    while True:
                        open(one, "w").close()
                        os.replace(one, place)
                        os.mkfifo(other)
                        os.replace(other, place)
                if not os.path.lexists(place):
                    threading.Thread(target=flicker, daemon=True).start()
                return DocumentRef(document_id=str(uuid4()), blob_key=key,
                    filename=display_name(upload.filename), content_type="text/plain")
                """,
                "record_queued(document.document_id)\n"
                "document_task().apply_async(args=[document.as_message()],"
                " task_id=document.document_id)",
                """
                enqueue(document)
                address = f"/tasks/{document.document_id}"
                response.headers["Location"] = address
                return UploadAccepted(
                    task_id=document.document_id, status_url=address, document=document)
                """,
            ),
        ),
        Cheat(
            name="a-link-where-the-grader-writes",
            loses=("2.3",),
            story="Makes `uploads` of the blob store a link to a folder outside: the grader lays its own "
            "document there, with its own rights.",
            says=("uploads",),
            files=instead(
                "2.3",
                "pass",
                also="""
                import os
                place = os.path.join(os.environ["BLOB_STORE_URL"][7:], "uploads")
                if not os.path.lexists(place):
                    os.symlink("BAIT_FOLDER", place)
                """,
            ),
        ),
        Cheat(
            name="an-answer-that-never-ends",
            loses=("3.6",),
            story="The API answers with a body that goes on for ever, a little at a time.",
            says=("no whole answer within",),
            files=instead(
                "3.6",
                "return []",
                """
                import asyncio
                from fastapi.responses import StreamingResponse
                async def drip():
                    while True:
                        yield b" "
                        await asyncio.sleep(0.2)
                return StreamingResponse(drip(), media_type="application/json")
                """,
            ),
        ),
        Cheat(
            name="an-answer-that-is-a-bomb",
            loses=("3.6",),
            story="A few kilobytes that unpack to gigabytes in the client.",
            says=("bytes",),
            files=instead(
                "3.6",
                "return []",
                """
                import zlib
                from fastapi.responses import Response
                pack = zlib.compressobj(9, zlib.DEFLATED, 31)
                head = pack.compress(b"") + pack.flush(zlib.Z_FULL_FLUSH)
                block = pack.compress(bytes(2**20)) + pack.flush(zlib.Z_FULL_FLUSH)
                return Response(head + block * 1024, headers={"content-encoding": "gzip"})
                """,
            ),
        ),
    ],
)
